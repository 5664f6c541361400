#include "kernels/penalty.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::kSizes;
using testing::normal_values;
using testing::on_every_level;

template <class T>
class Penalty : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Penalty, Types);

constexpr double kL1 = 0.375, kL2 = 1.25;  // exact in float

TYPED_TEST(Penalty, IsTheSumOfSizesAndSquares) {
  using T = TypeParam;
  for (const Index n : kSizes) {
    const std::vector<T> x = normal_values<T>(n, 1);
    long double expected = 0;
    for (const T v : x) expected += kL1 * std::abs(static_cast<long double>(v)) + kL2 * v * v;
    on_every_level<T>(
        penalty, std::vector<double>(static_cast<std::size_t>(1 + penalty_partials(n))),
        [&](auto* f, double* room) { room[0] = f(x.data(), kL1, kL2, room + 1, n); },
        [&](const std::vector<double>& room) {
          // In double whatever T is; rounding errors of sums of positive numbers grow with the root of n.
          EXPECT_NEAR(
              room[0], static_cast<double>(expected),
              4 * kEpsilon<double> * static_cast<double>(expected) * std::sqrt(static_cast<double>(n + 1)));
        });
  }
}

TYPED_TEST(Penalty, GradientIsAdded) {
  using T = TypeParam;
  for (const Index n : kSizes) {
    std::vector<T> x = normal_values<T>(n, 1);
    if (n > 2) x[2] = 0;
    const std::vector<T> before = normal_values<T>(n, 2);
    on_every_level<T>(
        penalty_gradient, before, [&](auto* f, T* dx) { f(x.data(), kL1, kL2, dx, n); },
        [&](const std::vector<T>& dx) {
          for (std::size_t i = 0; i < dx.size(); ++i) {
            const double v = static_cast<double>(x[i]), sign = v > 0 ? 1 : v < 0 ? -1 : 0;
            const double size = std::abs(before[i]) + kL1 + kL2 * std::abs(v);
            ASSERT_NEAR(static_cast<double>(dx[i]), static_cast<double>(before[i]) + kL1 * sign + kL2 * v,
                        2 * kEpsilon<T> * size)
                << i;
          }
        });
  }
}

}  // namespace
}  // namespace keel::kernels
