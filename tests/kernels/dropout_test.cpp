#include "kernels/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kInfinity;
using testing::kNaN;
using testing::normal_values;
using testing::on_every_level;
using testing::unwritten;

template <class T>
class Dropout : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Dropout, Types);

// Around blocks of four numbers, vectors of blocks, and chunks of 4096; the last is worth several threads.
const Index kLengths[] = {0, 1, 3, 4, 5, 17, 63, 64, 65, 1000, 4095, 4097, 120011};

TYPED_TEST(Dropout, ElementIIsDecidedByNumberIOfTheStream) {
  using T = TypeParam;
  for (const double rate : {0.25, 0.5, 0.9}) {
    const DropoutMask mask{.seed = 7, .stream = 0x123456789A, .rate = rate};
    const T factor = static_cast<T>(1 / (1 - rate));
    for (const Index n : kLengths) {
      const std::vector<T> x = normal_values<T>(n, 1);
      Rng rng(mask.seed, mask.stream);
      std::vector<bool> kept;
      for (Index i = 0; i < n; ++i) kept.push_back(rng.next_u32() >= rate * 0x1p32);
      on_every_level<T>(
          dropout, unwritten<T>(n), [&](auto* f, T* y) { f(x.data(), y, n, &mask); },
          [&](const std::vector<T>& y) {
            for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], kept[i] ? x[i] * factor : 0) << i;
          });
    }
  }
}

TYPED_TEST(Dropout, ARateOfZeroKeepsEverythingAsItIs) {
  using T = TypeParam;
  const DropoutMask mask{.seed = 7, .stream = 1, .rate = 0};
  const std::vector<T> x = normal_values<T>(1000, 1);
  on_every_level<T>(
      dropout, unwritten<T>(1000), [&](auto* f, T* y) { f(x.data(), y, 1000, &mask); },
      [&](const std::vector<T>& y) { EXPECT_EQ(y, x); });
}

TYPED_TEST(Dropout, KeepsTheFractionItShould) {
  using T = TypeParam;
  constexpr Index n = 100000;
  const std::vector<T> ones(n, 1);
  for (const double rate : {0.1, 0.5, 0.8}) {
    const DropoutMask mask{.seed = 11, .stream = 2, .rate = rate};
    on_every_level<T>(
        dropout, unwritten<T>(n), [&](auto* f, T* y) { f(ones.data(), y, n, &mask); },
        [&](const std::vector<T>& y) {
          double kept = 0;
          for (const T v : y) kept += v != 0;
          // Binomial: five standard deviations.
          EXPECT_NEAR(kept / n, 1 - rate, 5 * std::sqrt(rate * (1 - rate) / n));
        });
  }
}

TYPED_TEST(Dropout, WhatIsDroppedIsZeroEvenIfItWasNotFinite) {
  using T = TypeParam;
  constexpr Index n = 64;
  const DropoutMask mask{.seed = 1, .stream = 2, .rate = 0.5};
  std::vector<T> bad(n, kNaN<T>);
  for (std::size_t i = 0; i < n; i += 2) bad[i] = kInfinity<T>;
  Rng rng(1, std::uint64_t{2});
  std::vector<bool> kept;
  for (Index i = 0; i < n; ++i) kept.push_back(rng.next_u32() >= 0x80000000U);
  on_every_level<T>(
      dropout, unwritten<T>(n), [&](auto* f, T* y) { f(bad.data(), y, n, &mask); },
      [&](const std::vector<T>& y) {
        for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(y[i] == 0, !kept[i]) << i;
      });
}

}  // namespace
}  // namespace keel::kernels
