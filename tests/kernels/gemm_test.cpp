// Matrix products against three loops in double, in every combination of transposes, for any number of
// threads.
#include "kernels/dispatch/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::kNaN;
using testing::normal_values;
using testing::with_one_thread;
using testing::with_three_threads;

template <class T>
class Gemm : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

struct Extents {
  Index m, n, k;
};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class T>
std::vector<double> naive(const Extents& e, const std::vector<T>& a, const std::vector<T>& b,
                          const std::vector<T>& y, const GemmOptions& options) {
  std::vector<double> result(y.size());
  for (Index i = 0; i < e.m; ++i) {
    for (Index j = 0; j < e.n; ++j) {
      double sum = options.scale_y == 0 ? 0 : options.scale_y * static_cast<double>(y[at(i * e.n + j)]);
      for (Index l = 0; l < e.k; ++l) {
        sum += static_cast<double>(a[at(options.transpose_a ? l * e.m + i : i * e.k + l)]) *
               static_cast<double>(b[at(options.transpose_b ? j * e.k + l : l * e.n + j)]);
      }
      result[at(i * e.n + j)] = sum;
    }
  }
  return result;
}

template <class T>
void check_product(const Extents& e) {
  const std::vector<T> a = normal_values<T>(e.m * e.k, 1), b = normal_values<T>(e.k * e.n, 2);
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      for (const double scale_y : {0.0, 1.0}) {
        const GemmOptions options{transpose_a, transpose_b, scale_y};
        // What is overwritten may hold anything.
        const std::vector<T> start =
            scale_y == 0 ? testing::unwritten<T>(e.m * e.n) : normal_values<T>(e.m * e.n, 3);
        const auto product = [&] {
          std::vector<T> y = start;
          y.resize(y.size() + 16, T(77));
          gemm(e.m, e.n, e.k, a.data(), b.data(), y.data(), options);
          for (std::size_t i = start.size(); i < y.size(); ++i) EXPECT_EQ(y[i], 77) << "behind the output";
          y.resize(start.size());
          return y;
        };
        const std::vector<T> one = with_one_thread(product);
        const std::string where =
            fmt::format("[{},{}]{} [{},{}]{} scale {}", e.m, e.k, transpose_a ? "^T" : "", e.k, e.n,
                        transpose_b ? "^T" : "", scale_y);
        EXPECT_TRUE(testing::same_bits(one, with_three_threads(product))) << where;
        const std::vector<double> expected = naive(e, a, b, start, options);
        // A sum of k products of normal numbers wanders as far as 4 sqrt(k) where it is largest, and is
        // rounded k times; those errors, of half an epsilon, wander too: sqrt(k) / 2 * 4 sqrt(k) = 2 k.
        const double tolerance = kEpsilon<T> * (4 + 2 * static_cast<double>(e.k));
        for (std::size_t i = 0; i < one.size(); ++i) ASSERT_NEAR(one[i], expected[i], tolerance) << where;
      }
    }
  }
}

TYPED_TEST(Gemm, BelowTheSizeThatIsCut) {
  for (const Extents& e : {Extents{1, 1, 1}, Extents{1, 17, 3}, Extents{17, 1, 3}, Extents{3, 5, 1},
                           Extents{5, 3, 65}, Extents{63, 65, 17}, Extents{32, 10, 128}}) {
    check_product<TypeParam>(e);
  }
}

TYPED_TEST(Gemm, AboveItByRowsAndByColumns) {
  // m * n * k over 4e6: eight blocks, fewer of at least 64, a last one that is shorter.
  check_product<TypeParam>({1003, 65, 67});
  check_product<TypeParam>({65, 1003, 67});
  check_product<TypeParam>({130, 129, 300});
}

TYPED_TEST(Gemm, AnExtentOfZero) {
  using T = TypeParam;
  const std::vector<T> some = normal_values<T>(15, 1);
  std::vector<T> y(15, kNaN<T>);
  gemm(3, 5, 0, some.data(), some.data(), y.data(), {});
  EXPECT_EQ(y, std::vector<T>(15, 0));  // an empty sum
  y = some;
  gemm(3, 5, 0, some.data(), some.data(), y.data(), {.scale_y = 1});
  EXPECT_EQ(y, some);
  gemm(0, 5, 3, some.data(), some.data(), y.data(), {});
  gemm(3, 0, 5, some.data(), some.data(), y.data(), {});
  EXPECT_EQ(y, some);
}

TYPED_TEST(Gemm, GivesTheSameInsideALoopOnSeveralThreads) {
  using T = TypeParam;
  const Extents e{300, 120, 130};
  const std::vector<T> a = normal_values<T>(e.m * e.k, 1), b = normal_values<T>(e.k * e.n, 2);
  const auto product = [&](std::vector<T>& y) { gemm(e.m, e.n, e.k, a.data(), b.data(), y.data(), {}); };
  std::vector<T> outside(at(e.m * e.n));
  product(outside);
  std::vector<std::vector<T>> inside(4, outside);
  for (std::vector<T>& y : inside) std::fill(y.begin(), y.end(), kNaN<T>);
  const testing::ThreadsGuard guard(3);
  parallel_for(4, 1, [&](Index i, Index) { product(inside[at(i)]); });
  for (const std::vector<T>& y : inside) EXPECT_TRUE(testing::same_bits(y, outside));
}

}  // namespace
}  // namespace keel::kernels
