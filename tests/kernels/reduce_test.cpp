// Reductions against loops in long double.
#include "kernels/reduce.h"

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
class Reduce : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Reduce, Types);

struct Extents {
  Index outer, n, inner;
};
// Rows and columns, around the widths of the blocks; the last four are worth several threads.
const Extents kExtents[] = {{1, 1, 1},      {0, 3, 5},     {3, 5, 0},     {17, 1, 3},   {1, 17, 1},
                            {3, 63, 1},     {65, 3, 1},    {2, 5, 63},    {3, 4, 65},   {5, 3, 17},
                            {1, 100003, 3}, {30011, 7, 1}, {3, 5, 20011}, {40009, 3, 2}};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

TYPED_TEST(Reduce, SumIsTakenInDouble) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.outer * e.n * e.inner, 1);
    on_every_level<T>(
        reduce_sum, unwritten<T>(e.outer * e.inner),
        [&](auto* f, T* y) { f(x.data(), 0.25, y, e.outer, e.n, e.inner); },
        [&](const std::vector<T>& y) {
          for (Index o = 0; o < e.outer; ++o) {
            for (Index i = 0; i < e.inner; ++i) {
              long double sum = 0, size = 0;
              for (Index k = 0; k < e.n; ++k) {
                const long double v = x[at((o * e.n + k) * e.inner + i)];
                sum += v;
                size += std::abs(v);
              }
              // The result rounded once, and n additions in double of what is at most `size`.
              const long double error =
                  kEpsilon<T> * std::abs(sum) + static_cast<long double>(e.n) * 2e-16L * size;
              ASSERT_NEAR(static_cast<double>(y[at(o * e.inner + i)]), static_cast<double>(0.25L * sum),
                          static_cast<double>(0.25L * error))
                  << e.outer << " " << e.n << " " << e.inner << " at " << o << " " << i;
            }
          }
        });
  }
}

TYPED_TEST(Reduce, SumOfNothingIsZero) {
  using T = TypeParam;
  for (const Extents& e : {Extents{3, 0, 1}, Extents{3, 0, 5}}) {
    const T x = 0;
    on_every_level<T>(
        reduce_sum, unwritten<T>(e.outer * e.inner),
        [&](auto* f, T* y) { f(&x, 1, y, e.outer, e.n, e.inner); },
        [&](const std::vector<T>& y) {
          for (const T v : y) EXPECT_EQ(v, 0);
        });
  }
}

TYPED_TEST(Reduce, MaxIsAnElement) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.outer * e.n * e.inner, 2);
    on_every_level<T>(
        reduce_max, unwritten<T>(e.outer * e.inner),
        [&](auto* f, T* y) { f(x.data(), y, e.outer, e.n, e.inner); },
        [&](const std::vector<T>& y) {
          for (Index o = 0; o < e.outer; ++o) {
            for (Index i = 0; i < e.inner; ++i) {
              T largest = -kInfinity<T>;
              for (Index k = 0; k < e.n; ++k) largest = std::max(largest, x[at((o * e.n + k) * e.inner + i)]);
              ASSERT_EQ(y[at(o * e.inner + i)], largest);
            }
          }
        });
  }
}

TYPED_TEST(Reduce, MaxAndArgmaxTakeNanForTheLargest) {
  using T = TypeParam;
  constexpr Index n = 21;
  for (Index bad = 0; bad < n; ++bad) {
    std::vector<T> x = normal_values<T>(n, 3);
    x[at((bad + 5) % n)] = kInfinity<T>;
    x[at(bad)] = kNaN<T>;
    on_every_level<T>(
        reduce_max, unwritten<T>(1), [&](auto* f, T* y) { f(x.data(), y, 1, n, 1); },
        [&](const std::vector<T>& y) { EXPECT_TRUE(std::isnan(y[0])) << "NaN at " << bad; });
    on_every_level<T, std::int32_t>(
        argmax, std::vector<std::int32_t>{-1}, [&](auto* f, std::int32_t* y) { f(x.data(), y, 1, n); },
        [&](const std::vector<std::int32_t>& y) { EXPECT_EQ(y[0], bad); });
  }
}

TYPED_TEST(Reduce, MaxOfLongRowsFindsItsElementAndNanEverywhere) {
  using T = TypeParam;
  // Several rounds of unrolled vectors and a rest.
  constexpr Index n = 203;
  for (Index where = 0; where < n; ++where) {
    for (const T value : {T(9), kInfinity<T>, kNaN<T>}) {
      std::vector<T> x = normal_values<T>(n, 5);
      x[at((where + 70) % n)] = 8;
      x[at(where)] = value;
      on_every_level<T>(
          reduce_max, unwritten<T>(1), [&](auto* f, T* y) { f(x.data(), y, 1, n, 1); },
          [&](const std::vector<T>& y) {
            if (value == value) {
              EXPECT_EQ(y[0], value) << "at " << where;
            } else {
              EXPECT_TRUE(std::isnan(y[0])) << "NaN at " << where;
            }
          });
    }
  }
  const std::vector<T> lowest(n, -kInfinity<T>);
  on_every_level<T>(
      reduce_max, unwritten<T>(1), [&](auto* f, T* y) { f(lowest.data(), y, 1, n, 1); },
      [&](const std::vector<T>& y) { EXPECT_EQ(y[0], -kInfinity<T>); });
}

TYPED_TEST(Reduce, ArgmaxIsTheFirstOfEquals) {
  using T = TypeParam;
  for (const Index n : {1, 3, 17, 65}) {
    for (const Index rows : {0, 1, 63}) {
      // Few different values, so that most rows have their maximum several times.
      std::vector<T> x = normal_values<T>(rows * n, 4);
      for (T& v : x) v = std::round(v);
      on_every_level<T, std::int32_t>(
          argmax, std::vector<std::int32_t>(at(rows), -1),
          [&](auto* f, std::int32_t* y) { f(x.data(), y, rows, n); },
          [&](const std::vector<std::int32_t>& y) {
            for (Index r = 0; r < rows; ++r) {
              Index first = 0;
              for (Index k = 1; k < n; ++k) {
                if (x[at(r * n + k)] > x[at(r * n + first)]) first = k;
              }
              ASSERT_EQ(y[at(r)], first);
            }
          });
    }
  }
}

}  // namespace
}  // namespace keel::kernels
