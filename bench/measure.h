// How a benchmark is added and measured.
//
//   void add() {
//     for_threads([](int threads) {
//       add_benchmark(fmt::format("op/relu/{}/threads:{}", n, threads), Clock::wall, [=](benchmark::State&
//       state) {
//         ...
//         measure(state, threads, {.bytes = 8.0 * n}, [&] { relu(x); });
//       });
//     });
//   }
//   const Registration registration(add);
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace keel::bench {

// The benchmarks of one file, added when the program's options are known.
class Registration {
 public:
  explicit Registration(void (*add)());
  static void add_all();
};

// body(threads) for 1, 2 and as many threads as there are processors.
void for_threads(const std::function<void(int threads)>& body);

// What Google Benchmark goes by: wall time, because what other threads do counts too; or, for
// measure_prepared(), the times of the calls alone. It adds real_time or manual_time to the name.
enum class Clock { wall, manual };
void add_benchmark(const std::string& name, Clock clock, std::function<void(benchmark::State&)> run);

// What one call does, as far as that is worth counting.
struct Work {
  double flops = 0;     // a multiplication and an addition are two
  double bytes = 0;     // that must be read or written, however often a kernel does it
  double examples = 0;  // that a training step sees
};

// Times `call` on so many threads, after a first call that pays for memory and for threads that start.
// Reports GFLOP/s and GB/s, each with its share of the machine's own peak (peak.h).
void measure(benchmark::State& state, int threads, const Work& work, const std::function<void()>& call);

// The same with a `prepare` before each call that is not timed.
void measure_prepared(benchmark::State& state, int threads, const Work& work,
                      const std::function<void()>& prepare, const std::function<void()>& call);

}  // namespace keel::bench
