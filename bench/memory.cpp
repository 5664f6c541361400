#include "memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "keel/core/allocator.h"

namespace keel::bench {
namespace {

// A line of /proc/self/status, such as "VmHWM:   1234 kB", in bytes.
std::size_t status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1)) << 10;
  }
  return 0;
}

std::size_t& largest_peak() {
  static std::size_t value = 0;
  return value;
}

}  // namespace

MemoryPeak::MemoryPeak() {
  release_cached_memory();
  malloc_trim(0);
  before_ = status("VmRSS");
  peak_before_ = largest_peak() = std::max(largest_peak(), status("VmHWM"));
  // Linux starts to count the peak anew.
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::size_t MemoryPeak::of_process() const { return std::max(peak_before_, status("VmHWM")); }

std::size_t MemoryPeak::above_start() const {
  const std::size_t peak = status("VmHWM");
  return peak > before_ ? peak - before_ : 0;
}

}  // namespace keel::bench
