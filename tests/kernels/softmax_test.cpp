// Softmax, its logarithm and cross-entropy against the formulas in long double.
#include "kernels/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::kInfinity;
using testing::kNaN;
using testing::normal_values;
using testing::on_every_level;
using testing::unwritten;

template <class T>
class Softmax : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Softmax, Types);

struct Extents {
  Index rows, n;
};
// The last two are worth several threads.
const Extents kExtents[] = {{0, 3},   {1, 1},    {3, 1},    {1, 17},   {63, 3},
                            {65, 10}, {2, 1000}, {301, 65}, {3001, 10}};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Of row r: the exact probabilities, and the logarithm of the sum of exponentials.
template <class T>
struct Row {
  Row(const std::vector<T>& x, Index r, Index n) {
    long double largest = -kInfinity<long double>, sum = 0;
    for (Index k = 0; k < n; ++k) largest = std::max(largest, static_cast<long double>(x[at(r * n + k)]));
    for (Index k = 0; k < n; ++k) sum += std::exp(x[at(r * n + k)] - largest);
    log_sum = largest + std::log(sum);
    for (Index k = 0; k < n; ++k) p.push_back(std::exp(x[at(r * n + k)] - largest) / sum);
  }
  std::vector<long double> p;
  long double log_sum;
};

// Rounding x - max (up to 10 here) changes its exponential by that many epsilons relatively, and a sum of n
// numbers of one sign loses n halves at most.
template <class T>
double tolerance(Index n) {
  return kEpsilon<T> * (12 + static_cast<double>(n) / 2);
}

TYPED_TEST(Softmax, GivesProbabilities) {
  using T = TypeParam;
  for (const auto& [rows, n] : kExtents) {
    const std::vector<T> x = normal_values<T>(rows * n, 1);
    on_every_level<T>(
        softmax, unwritten<T>(rows * n), [&, rows = rows, n = n](auto* f, T* y) { f(x.data(), y, rows, n); },
        [&, rows = rows, n = n](const std::vector<T>& y) {
          for (Index r = 0; r < rows; ++r) {
            const Row<T> row(x, r, n);
            for (Index k = 0; k < n; ++k) {
              ASSERT_NEAR(static_cast<double>(y[at(r * n + k)] / row.p[at(k)]), 1, tolerance<T>(n));
            }
          }
        });
    on_every_level<T>(
        log_softmax, unwritten<T>(rows * n),
        [&, rows = rows, n = n](auto* f, T* y) { f(x.data(), y, rows, n); },
        [&, rows = rows, n = n](const std::vector<T>& y) {
          for (Index r = 0; r < rows; ++r) {
            const Row<T> row(x, r, n);
            for (Index k = 0; k < n; ++k) {
              ASSERT_NEAR(static_cast<double>(y[at(r * n + k)]),
                          static_cast<double>(x[at(r * n + k)] - row.log_sum), tolerance<T>(n));
            }
          }
        });
  }
}

template <class T, class Kernel>
void check_row(const Kernel& kernel, const std::vector<T>& x, const std::vector<T>& expected) {
  const Index n = static_cast<Index>(x.size());
  on_every_level<T>(
      kernel, unwritten<T>(n), [&](auto* f, T* y) { f(x.data(), y, 1, n); },
      [&](const std::vector<T>& y) {
        for (std::size_t k = 0; k < x.size(); ++k) {
          if (std::isnan(expected[k])) {
            EXPECT_TRUE(std::isnan(y[k])) << k;
          } else {
            EXPECT_EQ(y[k], expected[k]) << k;
          }
        }
      });
}

TYPED_TEST(Softmax, LargeLogitsDoNotOverflow) {
  using T = TypeParam;
  constexpr T kBig = 30000, kInf = kInfinity<T>, kBad = kNaN<T>;
  check_row<T>(softmax, {kBig, -kBig, kBig}, {T(0.5), 0, T(0.5)});
  check_row<T>(log_softmax, {kBig, -kBig}, {0, -2 * kBig});
  check_row<T>(softmax, {-kBig, -kBig}, {T(0.5), T(0.5)});
  check_row<T>(softmax, {1, -kInf, 1}, {T(0.5), 0, T(0.5)});
  check_row<T>(log_softmax, {1, -kInf}, {0, -kInf});
  check_row<T>(softmax, {kBad, 1, 2}, {kBad, kBad, kBad});
  check_row<T>(softmax, {1, 2, kBad}, {kBad, kBad, kBad});
  check_row<T>(log_softmax, {1, kBad, 2}, {kBad, kBad, kBad});
}

TYPED_TEST(Softmax, GradientsAddToWhatIsThere) {
  using T = TypeParam;
  for (const auto& [rows, n] : kExtents) {
    const std::vector<T> dy = normal_values<T>(rows * n, 2), dx = normal_values<T>(rows * n, 3);
    std::vector<T> y = normal_values<T>(rows * n, 1), log_y = y;
    for (T& v : y) v = std::abs(v) / static_cast<T>(n);
    for (T& v : log_y) v = -std::abs(v);
    const auto compare = [&, rows = rows, n = n](const auto& kernel, const std::vector<T>& saved,
                                                 const auto& weight, const auto& slope) {
      on_every_level<T>(
          kernel, dx, [&](auto* f, T* out) { f(saved.data(), dy.data(), out, rows, n); },
          [&](const std::vector<T>& out) {
            for (Index r = 0; r < rows; ++r) {
              long double sum = 0, size = 0;
              for (Index k = 0; k < n; ++k) {
                const long double term =
                    dy[at(r * n + k)] * weight(static_cast<long double>(saved[at(r * n + k)]));
                sum += term;
                size += std::abs(term);
              }
              for (Index k = 0; k < n; ++k) {
                const std::size_t i = at(r * n + k);
                const long double v = saved[i], d = dy[i];
                // Of the parts that are added up: those of the sum cancel, their roundings do not.
                const double parts = static_cast<double>(std::abs(dx[i]) + std::abs(d) + size);
                ASSERT_NEAR(static_cast<double>(out[i]), static_cast<double>(dx[i] + slope(v, d, sum)),
                            tolerance<T>(n) * parts);
              }
            }
          });
    };
    compare(
        softmax_gradient, y, [](long double v) { return v; },
        [](long double v, long double d, long double sum) { return v * (d - sum); });
    compare(
        log_softmax_gradient, log_y, [](long double) { return 1.0L; },
        [](long double v, long double d, long double sum) { return d - std::exp(v) * sum; });
  }
}

TYPED_TEST(Softmax, CrossEntropyIsTheSumOverRows) {
  using T = TypeParam;
  for (const auto& [rows, n] : kExtents) {
    const std::vector<T> x = normal_values<T>(rows * n, 1);
    std::vector<std::int32_t> labels;
    for (Index r = 0; r < rows; ++r) labels.push_back(static_cast<std::int32_t>(r * 7 % n));
    std::vector<double> losses;
    on_every_level<T>(
        cross_entropy, unwritten<T>(rows * n),
        [&, rows = rows, n = n](auto* f, T* p) { losses.push_back(f(x.data(), labels.data(), p, rows, n)); },
        [&, rows = rows, n = n](const std::vector<T>& p) {
          long double loss = 0;
          for (Index r = 0; r < rows; ++r) {
            const Row<T> row(x, r, n);
            loss += row.log_sum - x[at(r * n + labels[at(r)])];
            for (Index k = 0; k < n; ++k) {
              ASSERT_NEAR(static_cast<double>(p[at(r * n + k)] / row.p[at(k)]), 1, tolerance<T>(n));
            }
          }
          ASSERT_NEAR(losses.back(), static_cast<double>(loss), tolerance<T>(n) * static_cast<double>(rows));
          EXPECT_EQ(losses.back(), losses[losses.size() - 2]) << "one thread and three differ";
        });
  }
}

TYPED_TEST(Softmax, CrossEntropyStaysFiniteWhereTheProbabilityIsZero) {
  using T = TypeParam;
  const T x[] = {500, -500, 0};
  const std::int32_t label = 1;
  double loss = 0;
  on_every_level<T>(
      cross_entropy, unwritten<T>(3), [&](auto* f, T* p) { loss = f(x, &label, p, 1, 3); },
      [&](const std::vector<T>&) { EXPECT_EQ(loss, 1000); });
}

TYPED_TEST(Softmax, CrossEntropyGradientIsProbabilityMinusOneHot) {
  using T = TypeParam;
  for (const auto& [rows, n] : {Extents{0, 3}, Extents{5, 3}, Extents{63, 17}, Extents{20011, 11}}) {
    const std::vector<T> p = normal_values<T>(rows * n, 1);
    std::vector<std::int32_t> labels;
    for (Index r = 0; r < rows; ++r) labels.push_back(static_cast<std::int32_t>(r * 7 % n));
    on_every_level<T>(
        cross_entropy_gradient, unwritten<T>(rows * n),
        [&, rows = rows, n = n](auto* f, T* y) { f(p.data(), labels.data(), 0.125, y, rows, n); },
        [&, rows = rows, n = n](const std::vector<T>& y) {
          for (Index i = 0; i < rows * n; ++i) {
            const long double hot = i % n == labels[at(i / n)] ? 1 : 0;
            const long double expected = 0.125L * (p[at(i)] - hot);
            // Values of up to 6 / 8, two roundings.
            ASSERT_NEAR(static_cast<double>(y[at(i)]), static_cast<double>(expected), kEpsilon<T>);
          }
        });
  }
}

}  // namespace
}  // namespace keel::kernels
