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

using Now = std::chrono::steady_clock;

double seconds_since(Now::time_point start) {
  return std::chrono::duration<double>(Now::now() - start).count();
}

// seconds: of all calls together.
void report(benchmark::State& state, int threads, const Work& work, double seconds) {
  const auto rate = [&](double amount) { return amount * static_cast<double>(state.iterations()) / seconds; };
  if (work.flops > 0) {
    state.counters["GFLOP/s"] = rate(work.flops) / 1e9;
    state.counters["%FMA"] = 100 * rate(work.flops) / peak_flops(threads);
  }
  if (work.bytes > 0) {
    state.counters["GB/s"] = rate(work.bytes) / 1e9;
    state.counters["%copy"] = 100 * rate(work.bytes) / copy_bandwidth(threads, work.bytes);
  }
  if (work.examples > 0) state.counters["examples/s"] = rate(work.examples);
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

void add_benchmark(const std::string& name, Clock clock, std::function<void(benchmark::State&)> run) {
  auto* added = benchmark::RegisterBenchmark(name.c_str(),
                                             [run = std::move(run)](benchmark::State& state) { run(state); });
  if (clock == Clock::wall) {
    added->UseRealTime();
  } else {
    added->UseManualTime();
  }
}

void measure(benchmark::State& state, int threads, const Work& work, const std::function<void()>& call) {
  set_num_threads(threads);
  call();
  const auto start = Now::now();
  for (auto _ : state) call();
  report(state, threads, work, seconds_since(start));
}

void measure_prepared(benchmark::State& state, int threads, const Work& work,
                      const std::function<void()>& prepare, const std::function<void()>& call) {
  set_num_threads(threads);
  prepare();
  call();
  double total = 0;
  for (auto _ : state) {
    prepare();
    const auto start = Now::now();
    call();
    const double seconds = seconds_since(start);
    state.SetIterationTime(seconds);
    total += seconds;
  }
  report(state, threads, work, total);
}

}  // namespace keel::bench
