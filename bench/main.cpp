// keel-bench: how fast the parts are on this machine.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "benchmark_flags.h"
#include "images.h"
#include "machine.h"
#include "measure.h"
#include "server.h"
#include "support/command_line.h"

namespace {

using namespace keel;

void print_info() {
  for (const auto& [name, value] : bench::machine_info()) fmt::print("{:<18} {}\n", name, value);
}

int run(int argc, char** argv) {
  const char* mnist = std::getenv("KEEL_MNIST_DIR");
  apps::CommandLine command("keel-bench",
                            "Measures the parts of Keel beside what this machine can do at most. Takes the\n"
                            "flags of Google Benchmark too, such as --benchmark_filter=step/mlp and\n"
                            "--benchmark_list_tests.\n");
  command.add_flag("info", "Print what the benchmarks run on, and run none");
  command.add(
      "data", "DIR|synthetic", mnist != nullptr && *mnist != '\0' ? mnist : "synthetic",
      "Images for training steps: a directory with MNIST's files, by default $KEEL_MNIST_DIR if that is set");
  command.add_flag("serve",
                   "Run what the standard input says: a filter in each line is answered by a line of JSON");

  std::vector<std::string> flags;
  std::vector<const char*> ours;
  for (int i = 0; i < argc; ++i) {
    if (bench::is_benchmark_flag(argv[i])) {
      flags.push_back(argv[i]);
    } else {
      ours.push_back(argv[i]);
    }
  }
  if (!command.parse(static_cast<int>(ours.size()), ours.data())) return 0;
  if (command.flag("info")) {
    print_info();
    return 0;
  }
  bench::set_images(command.text("data") == "synthetic" ? "" : command.text("data"));
  bench::initialize_benchmark(flags);
  bench::Registration::add_all();
  if (command.flag("serve")) {
    bench::serve(std::cin, std::cout);
    return 0;
  }
  // Where no name matches it says so itself.
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
