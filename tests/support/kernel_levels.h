// Running a kernel at every instruction set level of this processor, with one and with three threads.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "keel/core/rng.h"
#include "kernels/kernel.h"
#include "support/threads.h"

namespace keel::testing {

// Elements around the lengths of vectors and of unrolled loops, and one where several threads start.
inline constexpr Index kSizes[] = {0, 1, 3, 17, 63, 65, 1000, 300007};

template <class T>
inline constexpr double kEpsilon = std::numeric_limits<T>::epsilon();
template <class T>
inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();

template <class T>
std::vector<T> normal_values(Index n, std::uint64_t stream) {
  Rng rng(3, stream);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& value : values) value = static_cast<T>(rng.normal());
  return values;
}

// NaN: what a kernel that writes must not leave behind.
template <class T>
std::vector<T> unwritten(Index n) {
  return std::vector<T>(static_cast<std::size_t>(n), kNaN<T>);
}

template <class T, class Entry>
auto* function_for(const Entry& entry) {
  if constexpr (std::is_same_v<T, float>) {
    return entry.f32;
  } else {
    return entry.f64;
  }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// For each level: run(function, y) with y starting as `initial`, once with one thread and once with three;
// both must give the same bits and leave what stands behind y alone. Then check(y).
template <class T, class Y = T, class Kernel, class Run, class Check>
void on_every_level(const Kernel& kernel, const std::vector<Y>& initial, const Run& run, const Check& check) {
  constexpr Y kBehind = Y(77);
  for (int level = 0; level <= kernels::best_isa_level(); ++level) {
    SCOPED_TRACE(kernels::kIsaNames[level]);
    auto* const function = function_for<T>(*kernel.levels[level]);
    const auto result = [&] {
      std::vector<Y> y = initial;
      y.resize(initial.size() + 64, kBehind);
      run(function, y.data());
      for (std::size_t i = initial.size(); i < y.size(); ++i) EXPECT_EQ(y[i], kBehind) << "behind the output";
      y.resize(initial.size());
      return y;
    };
    const std::vector<Y> y = with_one_thread(result);
    EXPECT_TRUE(same_bits(y, with_three_threads(result))) << "one thread and three differ";
    check(y);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace keel::testing
