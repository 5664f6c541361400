#include "peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>

#include "keel/core/allocator.h"
#include "keel/core/parallel.h"
#include "kernels/peak.h"
#include "machine.h"
#include "measure.h"

namespace keel::bench {
namespace {

// Pieces for each thread: enough that none waits long for another.
constexpr Index kPieces = 8;

double seconds_of(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  call();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The best of several: whatever else runs can only make it slower.
double best_rate(int threads, double amount, const std::function<void()>& call) {
  constexpr int kTries = 7;
  const int before = num_threads();
  set_num_threads(threads);
  call();
  double best = 0;
  for (int i = 0; i < kTries; ++i) best = std::max(best, amount / seconds_of(call));
  set_num_threads(before);
  return best;
}

// About 2 ms a piece. Returns the number of operations.
double multiply_add(int threads) {
  constexpr Index kSteps = 200'000;
  std::atomic<double> flops = 0;
  parallel_for(kPieces * threads, 1, [&](Index, Index) {
    float value = 1;
    flops += kernels::peak_fma(&value, kSteps);
    benchmark::DoNotOptimize(value);
  });
  return flops;
}

class Copy {
 public:
  explicit Copy(std::size_t bytes)
      : elements_(static_cast<Index>(bytes / sizeof(float))), x_(allocate(bytes)), y_(allocate(bytes)) {
    std::fill_n(reinterpret_cast<float*>(x_.get()), elements_, 1.0F);
  }

  void operator()(int threads) {
    const auto* x = reinterpret_cast<const float*>(x_.get());
    auto* y = reinterpret_cast<float*>(y_.get());
    const Index piece = (elements_ + kPieces * threads - 1) / (kPieces * threads);
    parallel_for(elements_, piece,
                 [&](Index begin, Index end) { kernels::peak_copy(x + begin, y + begin, end - begin); });
  }

  double bytes() const { return 2.0 * sizeof(float) * static_cast<double>(elements_); }

 private:
  Index elements_;
  std::shared_ptr<std::byte> x_, y_;
};

constexpr std::size_t kInCache = std::size_t{1} << 20;

void add() {
  for_threads([](int threads) {
    add_benchmark(fmt::format("peak/fma/threads:{}", threads), Clock::wall, [=](benchmark::State& state) {
      const double flops = multiply_add(threads);
      measure(state, threads, {.flops = flops}, [&] { multiply_add(threads); });
    });
    for (const auto& [name, bytes] :
         {std::pair("copy", copy_bytes()), std::pair("copy_in_cache", kInCache)}) {
      add_benchmark(fmt::format("peak/{}/threads:{}", name, threads), Clock::wall,
                    [=, bytes = bytes](benchmark::State& state) {
                      Copy copy(bytes);
                      measure(state, threads, {.bytes = copy.bytes()}, [&] { copy(threads); });
                      state.counters["MiB_of_an_array"] = static_cast<double>(bytes) / (1 << 20);
                    });
    }
  });
}

const Registration registration(add);

}  // namespace

double peak_flops(int threads) {
  static std::map<int, double> known;
  if (known.count(threads) == 0) {
    known[threads] = best_rate(threads, multiply_add(threads), [&] { multiply_add(threads); });
  }
  return known[threads];
}

double copy_bandwidth(int threads, double bytes) {
  // Powers of 2, as many kernels touch about the same.
  constexpr std::size_t kLeast = std::size_t{16} << 10;
  std::size_t array = kLeast;
  while (array < copy_bytes() && 2.0 * static_cast<double>(array) < bytes) array *= 2;
  static std::map<std::pair<int, std::size_t>, double> known;
  double& found = known[{threads, array}];
  if (found == 0) {
    Copy copy(array);
    found = best_rate(threads, copy.bytes(), [&] { copy(threads); });
    // Small copies are faster on one.
    if (threads > 1) found = std::max(found, copy_bandwidth(1, bytes));
  }
  return found;
}

std::size_t copy_bytes() {
  constexpr std::size_t kLeast = std::size_t{64} << 20;
  return std::max(kLeast, 4 * last_level_cache());
}

}  // namespace keel::bench
