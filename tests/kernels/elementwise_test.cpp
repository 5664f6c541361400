// Elementwise kernels against the same formula in long double, one element at a time.
#include "kernels/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::kInfinity;
using testing::kNaN;
using testing::kSizes;
using testing::normal_values;
using testing::on_every_level;
using testing::unwritten;

template <class T>
class Elementwise : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Elementwise, Types);

template <class T>
std::vector<T> positive(std::vector<T> values) {
  for (T& v : values) v = std::abs(v) + T(0.01);
  return values;
}

// Plans as the framework makes them, and some that it does not: every stride a loop nest may have.
BroadcastPlan plan_of(std::vector<Index> extents, std::vector<Index> a, std::vector<Index> b) {
  BroadcastPlan plan;
  plan.rank = static_cast<int>(extents.size());
  std::copy(extents.begin(), extents.end(), plan.extents);
  std::copy(a.begin(), a.end(), plan.a_strides);
  std::copy(b.begin(), b.end(), plan.b_strides);
  return plan;
}

std::vector<BroadcastPlan> plans() {
  std::vector<BroadcastPlan> all = {plan_of({}, {}, {})};
  for (const Index n : kSizes) {
    if (n == 0) continue;  // never asked for: the caller returns early
    all.push_back(plan_of({n}, {1}, {1}));
    all.push_back(plan_of({n}, {1}, {0}));
    all.push_back(plan_of({n}, {0}, {1}));
  }
  all.push_back(plan_of({17}, {0}, {0}));
  all.push_back(plan_of({65, 17}, {17, 1}, {0, 1}));         // a row for each
  all.push_back(plan_of({65, 17}, {17, 1}, {1, 0}));         // a column
  all.push_back(plan_of({17, 65}, {1, 0}, {0, 1}));          // outer sum
  all.push_back(plan_of({1001, 301}, {301, 1}, {0, 1}));     // on several threads
  all.push_back(plan_of({3, 5, 7}, {35, 7, 1}, {0, 1, 0}));  // a channel in the middle
  all.push_back(plan_of({5, 7}, {1, 5}, {7, 1}));            // a transposed operand
  all.push_back(plan_of({2, 3, 2, 3, 2, 1, 2, 3}, {0, 12, 0, 4, 0, 0, 3, 1}, {24, 0, 12, 0, 6, 0, 3, 0}));
  return all;
}

template <class T, class Kernel, class F>
void check_binary(const Kernel& kernel, const F& f) {
  for (const BroadcastPlan& plan : plans()) {
    Index n = 1, a_last = 0, b_last = 0;
    for (int axis = 0; axis < plan.rank; ++axis) {
      n *= plan.extents[axis];
      a_last += (plan.extents[axis] - 1) * plan.a_strides[axis];
      b_last += (plan.extents[axis] - 1) * plan.b_strides[axis];
    }
    const std::vector<T> a = normal_values<T>(a_last + 1, 1), b = normal_values<T>(b_last + 1, 2);
    on_every_level<T>(
        kernel, unwritten<T>(n), [&](auto* function, T* y) { function(a.data(), b.data(), y, &plan); },
        [&](const std::vector<T>& y) {
          for (Index i = 0; i < n; ++i) {
            Index rest = i, at_a = 0, at_b = 0;
            for (int axis = plan.rank - 1; axis >= 0; --axis) {
              at_a += rest % plan.extents[axis] * plan.a_strides[axis];
              at_b += rest % plan.extents[axis] * plan.b_strides[axis];
              rest /= plan.extents[axis];
            }
            // One operation, rounded once: exactly the same.
            ASSERT_EQ(y[static_cast<std::size_t>(i)],
                      f(a[static_cast<std::size_t>(at_a)], b[static_cast<std::size_t>(at_b)]))
                << "element " << i << " of " << n << ", rank " << plan.rank;
          }
        });
  }
}

TYPED_TEST(Elementwise, BinaryOperationsFollowThePlan) {
  using T = TypeParam;
  check_binary<T>(add, [](T p, T q) { return p + q; });
  check_binary<T>(subtract, [](T p, T q) { return p - q; });
  check_binary<T>(multiply, [](T p, T q) { return p * q; });
  check_binary<T>(divide, [](T p, T q) { return p / q; });
}

// run(function, y), and y[i] compared with expected(i) = {value, what the rounding errors are relative to}.
struct Exact {
  long double value, size;
};
template <class T, class Kernel, class Run, class F>
void check_each(const Kernel& kernel, const std::vector<T>& initial, double roundings, const Run& run,
                const F& expected) {
  std::vector<double> values, tolerances;
  for (std::size_t i = 0; i < initial.size(); ++i) {
    const Exact exact = expected(i);
    values.push_back(static_cast<double>(exact.value));
    tolerances.push_back(roundings * kEpsilon<T> * static_cast<double>(exact.size));
  }
  on_every_level<T>(kernel, initial, run, [&](const std::vector<T>& y) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(y[i]), values[i], tolerances[i])
          << "element " << i << " of " << y.size();
    }
  });
}

TYPED_TEST(Elementwise, ScaledSumsAndProducts) {
  using T = TypeParam;
  constexpr double kScale = -0.375, kShift = 2.5;  // exact in float
  constexpr auto kS = static_cast<long double>(kScale), kT = static_cast<long double>(kShift);
  for (const Index n : kSizes) {
    const std::vector<T> a = normal_values<T>(n, 1), b = positive(normal_values<T>(n, 2)),
                         y = normal_values<T>(n, 3);
    const auto sized = [](long double start, long double term) {
      return Exact{start + term, std::abs(start) + std::abs(term)};
    };
    // Two or three roundings of half an epsilon, fewer where the compiler fuses them.
    check_each(
        affine, unwritten<T>(n), 1.5, [&](auto* f, T* out) { f(a.data(), kScale, kShift, out, n); },
        [&](std::size_t i) { return sized(kT, kS * a[i]); });
    check_each(
        add_scaled, y, 1.5, [&](auto* f, T* out) { f(a.data(), kScale, out, n); },
        [&](std::size_t i) { return sized(y[i], kS * a[i]); });
    check_each(
        multiply_add, y, 2, [&](auto* f, T* out) { f(a.data(), b.data(), kScale, out, n); },
        [&](std::size_t i) { return sized(y[i], kS * a[i] * b[i]); });
    check_each(
        divide_add, y, 2, [&](auto* f, T* out) { f(a.data(), b.data(), kScale, out, n); },
        [&](std::size_t i) { return sized(y[i], kS * a[i] / b[i]); });
  }
}

TYPED_TEST(Elementwise, AffineMayWriteItsInput) {
  using T = TypeParam;
  const std::vector<T> x = normal_values<T>(300007, 1);
  on_every_level<T>(
      affine, x, [&](auto* f, T* y) { f(y, 2, 1, y, static_cast<Index>(x.size())); },
      [&](const std::vector<T>& y) {
        for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], 2 * x[i] + 1, 16 * kEpsilon<T>);
      });
}

template <class T, class Kernel, class F>
void check_unary(const Kernel& kernel, double roundings, bool positive_only, const F& f) {
  for (const Index n : kSizes) {
    const std::vector<T> drawn = normal_values<T>(n, 1), x = positive_only ? positive(drawn) : drawn;
    check_each(
        kernel, unwritten<T>(n), roundings, [&](auto* function, T* y) { function(x.data(), y, n); },
        [&](std::size_t i) {
          const long double y = f(static_cast<long double>(x[i]));
          return Exact{y, std::abs(y)};
        });
  }
}

TYPED_TEST(Elementwise, FunctionsOfOneVariable) {
  using T = TypeParam;
  // The C library's functions err by one unit in the last place or two; sigmoid adds a sum and a quotient.
  // (The root is rounded exactly, but the reference twice.)
  check_unary<T>(exp, 2, false, [](long double x) { return std::exp(x); });
  check_unary<T>(log, 2, true, [](long double x) { return std::log(x); });
  check_unary<T>(sqrt, 1, true, [](long double x) { return std::sqrt(x); });
  check_unary<T>(tanh, 3, false, [](long double x) { return std::tanh(x); });
  check_unary<T>(sigmoid, 4, false, [](long double x) { return 1 / (1 + std::exp(-x)); });
  check_unary<T>(relu, 0, false, [](long double x) { return x > 0 ? x : 0; });
}

template <class T, class Kernel>
void check_points(const Kernel& kernel, const std::vector<std::pair<T, T>>& points) {
  std::vector<T> x;
  for (const auto& point : points) x.push_back(point.first);
  on_every_level<T>(
      kernel, unwritten<T>(static_cast<Index>(x.size())),
      [&](auto* function, T* y) { function(x.data(), y, static_cast<Index>(x.size())); },
      [&](const std::vector<T>& y) {
        for (std::size_t i = 0; i < x.size(); ++i) {
          if (std::isnan(points[i].second)) {
            EXPECT_TRUE(std::isnan(y[i])) << "at " << x[i];
          } else {
            EXPECT_EQ(y[i], points[i].second) << "at " << x[i];
          }
        }
      });
}

TYPED_TEST(Elementwise, FunctionsAtTheEdges) {
  using T = TypeParam;
  constexpr T kInf = kInfinity<T>, kBad = kNaN<T>;
  check_points<T>(exp, {{0, 1}, {-kInf, 0}, {kInf, kInf}, {T(1e4), kInf}, {T(-1e4), 0}, {kBad, kBad}});
  check_points<T>(log, {{1, 0}, {0, -kInf}, {-1, kBad}, {kInf, kInf}, {kBad, kBad}});
  check_points<T>(sqrt, {{4, 2}, {0, 0}, {-1, kBad}, {kInf, kInf}, {kBad, kBad}});
  check_points<T>(tanh, {{0, 0}, {kInf, 1}, {-kInf, -1}, {T(1e4), 1}, {kBad, kBad}});
  check_points<T>(sigmoid, {{0, T(0.5)}, {T(1e4), 1}, {T(-1e4), 0}, {kInf, 1}, {-kInf, 0}, {kBad, kBad}});
  check_points<T>(relu, {{3, 3}, {-3, 0}, {0, 0}, {kInf, kInf}, {-kInf, 0}, {kBad, kBad}});
}

TYPED_TEST(Elementwise, SigmoidOfALargeNegativeNumberKeepsItsDigits) {
  // 1 - sigmoid(80) would be 0; sigmoid(-80) is e^-80.
  check_points<TypeParam>(sigmoid, {{TypeParam(-80), std::exp(TypeParam(-80))}});
}

TYPED_TEST(Elementwise, Powers) {
  using T = TypeParam;
  for (const double exponent : {0.0, 1.0, 2.0, 0.5, -1.5, 3.0}) {
    const auto e = static_cast<long double>(exponent);
    for (const Index n : kSizes) {
      const std::vector<T> x = positive(normal_values<T>(n, 1)), dy = normal_values<T>(n, 2);
      check_each(
          pow, unwritten<T>(n), 2, [&](auto* f, T* y) { f(x.data(), exponent, y, n); },
          [&](std::size_t i) {
            const long double y = std::pow(static_cast<long double>(x[i]), e);
            return Exact{y, y};
          });
      check_each(
          pow_gradient, unwritten<T>(n), 4,
          [&](auto* f, T* out) { f(x.data(), dy.data(), exponent, out, n); },
          [&](std::size_t i) {
            const long double term = dy[i] * e * std::pow(static_cast<long double>(x[i]), e - 1);
            return Exact{term, std::abs(term)};
          });
    }
  }
}

TYPED_TEST(Elementwise, PowersOfZeroAndOfNegativeNumbers) {
  using T = TypeParam;
  struct Point {
    T x;
    double exponent;
    T y, slope;
  };
  for (const Point& p : {Point{0, 0, 1, 0}, Point{0, 1, 0, 1}, Point{0, 2, 0, 0}, Point{-2, 3, -8, 12},
                         Point{-2, 0, 1, 0}, Point{-2, 0.5, kNaN<T>, kNaN<T>}}) {
    const T one = 1;
    on_every_level<T>(
        pow, unwritten<T>(1), [&](auto* f, T* y) { f(&p.x, p.exponent, y, 1); },
        [&](const std::vector<T>& y) {
          EXPECT_TRUE(y[0] == p.y || (std::isnan(p.y) && std::isnan(y[0]))) << p.x << "^" << p.exponent;
        });
    on_every_level<T>(
        pow_gradient, unwritten<T>(1), [&](auto* f, T* dx) { f(&p.x, &one, p.exponent, dx, 1); },
        [&](const std::vector<T>& dx) {
          EXPECT_TRUE(dx[0] == p.slope || (std::isnan(p.slope) && std::isnan(dx[0])))
              << p.x << "^" << p.exponent << ": " << dx[0];
        });
  }
}

template <class T, class Kernel, class F>
void check_gradient(const Kernel& kernel, const F& slope) {
  for (const Index n : kSizes) {
    const std::vector<T> y = normal_values<T>(n, 1), dy = normal_values<T>(n, 2);
    check_each(
        kernel, unwritten<T>(n), 3, [&](auto* f, T* out) { f(y.data(), dy.data(), out, n); },
        [&](std::size_t i) {
          // 1 - y^2 loses digits near 1: relative to the larger of its two terms.
          const long double v = y[i], d = dy[i];
          return Exact{d * slope(v), std::abs(d) * (1 + std::abs(v)) * (1 + std::abs(v))};
        });
  }
}

TYPED_TEST(Elementwise, Gradients) {
  using T = TypeParam;
  check_gradient<T>(tanh_gradient, [](long double y) { return 1 - y * y; });
  check_gradient<T>(sigmoid_gradient, [](long double y) { return y * (1 - y); });
  check_gradient<T>(relu_gradient, [](long double y) { return y > 0 ? 1.0L : 0.0L; });
}

TYPED_TEST(Elementwise, TheSlopeOfReluAtZeroIsZero) {
  using T = TypeParam;
  const T y[] = {0, T(-0.0)}, dy[] = {5, 5};
  on_every_level<T>(
      relu_gradient, unwritten<T>(2), [&](auto* f, T* dx) { f(y, dy, dx, 2); },
      [&](const std::vector<T>& dx) {
        EXPECT_EQ(dx, (std::vector<T>{0, 0}));
      });
}

TYPED_TEST(Elementwise, EqualComparesInfinitiesAndNeverNan) {
  using T = TypeParam;
  for (const Index n : kSizes) {
    const T values[] = {1, kInfinity<T>, -kInfinity<T>, kNaN<T>, T(-0.0)};
    std::vector<T> a, b;
    for (Index i = 0; i < n; ++i) {
      a.push_back(values[i % 5]);
      b.push_back(i % 3 == 0 ? values[(i + 1) % 5] : values[i % 5] == 0 ? T(0) : values[i % 5]);
    }
    on_every_level<T>(
        equal, unwritten<T>(n), [&](auto* f, T* y) { f(a.data(), b.data(), y, n); },
        [&](const std::vector<T>& y) {
          for (Index i = 0; i < n; ++i) {
            ASSERT_EQ(y[static_cast<std::size_t>(i)], i % 3 != 0 && i % 5 != 3 ? 1 : 0) << "at " << i;
          }
        });
  }
}

TYPED_TEST(Elementwise, ARowIsAddedToEveryRow) {
  using T = TypeParam;
  for (const auto& [rows, columns] :
       {std::pair<Index, Index>{0, 5}, {5, 0}, {1, 1}, {3, 17}, {4001, 130}, {3, 200001}}) {
    const std::vector<T> b = normal_values<T>(columns, 8), before = normal_values<T>(rows * columns, 9);
    on_every_level<T>(
        add_row, before, [&, n = rows, m = columns](auto* f, T* y) { f(b.data(), y, n, m); },
        [&, m = columns](const std::vector<T>& y) {
          for (std::size_t i = 0; i < y.size(); ++i) {
            ASSERT_EQ(y[i], before[i] + b[i % static_cast<std::size_t>(m)]) << "at " << i;
          }
        });
  }
}

TYPED_TEST(Elementwise, AllFiniteFindsOneBadElementAnywhere) {
  using T = TypeParam;
  for (int level = 0; level <= best_isa_level(); ++level) {
    auto* const function = testing::function_for<T>(*all_finite.levels[level]);
    for (const Index n : kSizes) {
      std::vector<T> x(static_cast<std::size_t>(n), std::numeric_limits<T>::max());
      EXPECT_EQ(function(x.data(), n), 1) << n;
      for (const T bad : {kNaN<T>, kInfinity<T>, -kInfinity<T>}) {
        for (const Index at : {Index{0}, n / 2, n - 1}) {
          if (n == 0) continue;
          T& element = x[static_cast<std::size_t>(at)];
          const T before = element;
          element = bad;
          EXPECT_EQ(function(x.data(), n), 0) << bad << " at " << at << " of " << n;
          element = before;
        }
      }
    }
  }
}

}  // namespace
}  // namespace keel::kernels
