#include "machine.h"

#include <cblas.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "keel/core/build_info.h"
#include "keel/core/parallel.h"
#include "kernels/dispatch/blas.h"
#include "kernels/dispatch/isa.h"

namespace keel::bench {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

struct Cache {
  std::string name;  // "L1 data", "L2"
  std::size_t bytes;
};

// Of the first processor, nearest first.
std::vector<Cache> caches() {
  std::vector<Cache> found;
  for (int i = 0;; ++i) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", i);
    const std::string level = first_line(folder + "level"), size = first_line(folder + "size");
    if (level.empty() || size.empty()) break;
    const std::string type = first_line(folder + "type");
    if (type == "Instruction") continue;
    // "32K"
    const std::size_t unit = size.back() == 'K' ? 1U << 10 : size.back() == 'M' ? 1U << 20 : 1;
    found.push_back({fmt::format("L{}{}", level, type == "Data" ? " data" : ""),
                     static_cast<std::size_t>(std::strtoull(size.c_str(), nullptr, 10)) * unit});
  }
  return found;
}

std::string caches_in_words() {
  std::string words;
  for (const Cache& cache : caches()) {
    words += fmt::format("{}{} {} KiB", words.empty() ? "" : ", ", cache.name, cache.bytes >> 10);
  }
  return words.empty() ? "unknown" : words;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? "not set" : value;
}

}  // namespace

std::size_t last_level_cache() {
  std::size_t largest = 0;
  for (const Cache& cache : caches()) largest = std::max(largest, cache.bytes);
  return largest;
}

std::vector<std::pair<std::string, std::string>> machine_info() {
  const BuildInfo build = build_info();
  return {{"keel", fmt::format("{}, {}, {}", build.version, build.compiler, build.build_type)},
          {"isa", build.isa},
          {"KEEL_ISA", environment("KEEL_ISA")},
          {"best isa", kernels::kIsaNames[kernels::best_isa_level()]},
          {"threads", std::to_string(num_threads())},
          {"cpu", cpu_name()},
          {"processors", std::to_string(std::thread::hardware_concurrency())},
          {"caches", caches_in_words()},
          {"blas", openblas_get_config()},
          {"blas core", kernels::blas_core()},
          {"OPENBLAS_CORETYPE", environment("OPENBLAS_CORETYPE")},
          {"OMP_NUM_THREADS", environment("OMP_NUM_THREADS")}};
}

}  // namespace keel::bench
