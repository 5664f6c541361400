#include "measure.h"

#include <chrono>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "keel/core/parallel.h"
#include "peak.h"

namespace keel::bench {
namespace {

std::vector<void (*)()>& registrations() {
  static std::vector<void (*)()> all;
  return all;
}

}  // namespace

Registration::Registration(void (*add)()) { registrations().push_back(add); }

void Registration::add_all() {
  for (void (*add)() : registrations()) add();
}

void for_threads(const std::function<void(int threads)>& body) {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  for (const int threads : std::set<int>{1, 2, processors > 0 ? processors : 1}) body(threads);
}

void add_benchmark(const std::string& name, std::function<void(benchmark::State&)> run) {
  // Wall time: what other threads do counts too.
  benchmark::RegisterBenchmark(name.c_str(), [run = std::move(run)](benchmark::State& state) {
    run(state);
  })->UseRealTime();
}

void measure(benchmark::State& state, int threads, const Work& work, const std::function<void()>& call) {
  set_num_threads(threads);
  call();
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  for (auto _ : state) call();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double calls = static_cast<double>(state.iterations());
  const auto rate = [&](double amount) { return amount * calls / seconds; };
  if (work.flops > 0) {
    state.counters["GFLOP/s"] = rate(work.flops) / 1e9;
    state.counters["%FMA_peak"] = 100 * rate(work.flops) / peak_flops(threads);
  }
  if (work.bytes > 0) {
    state.counters["GB/s"] = rate(work.bytes) / 1e9;
    state.counters["%copy"] = 100 * rate(work.bytes) / copy_bandwidth(threads);
  }
  if (work.examples > 0) state.counters["examples/s"] = rate(work.examples);
}

}  // namespace keel::bench
