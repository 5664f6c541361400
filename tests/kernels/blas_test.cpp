// OpenBLAS's products against three loops in double, in every combination of transposes, for any number of
// threads; and which products it gets.
#include "kernels/dispatch/blas.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch/isa.h"
#include "support/kernel_levels.h"
#include "support/reference_product.h"

namespace keel::kernels {
namespace {

using testing::kNaN;
using testing::normal_values;
using testing::with_one_thread;
using testing::with_three_threads;

template <class T>
class Blas : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Blas, Types);

template <class T>
void check_product(Index m, Index n, Index k) {
  const std::vector<T> a = normal_values<T>(m * k, 1), b = normal_values<T>(k * n, 2);
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      const GemmSizes sizes{m, n, k, transpose_a, transpose_b};
      const auto product = [&] {
        std::vector<T> y = testing::unwritten<T>(m * n);
        blas_gemm(sizes, a.data(), b.data(), y.data());
        return y;
      };
      const std::vector<T> one = with_one_thread(product);
      SCOPED_TRACE(fmt::format("{} {} {} {} {}", m, n, k, transpose_a, transpose_b));
      EXPECT_TRUE(testing::same_bits(one, with_three_threads(product)));
      testing::expect_product(one, a, b, {}, {m, n, k, transpose_a, transpose_b});
    }
  }
}

TYPED_TEST(Blas, InOneBlock) {
  check_product<TypeParam>(1, 1, 1);
  check_product<TypeParam>(3, 5, 1);
  check_product<TypeParam>(63, 64, 17);
}

TYPED_TEST(Blas, InBlocksOfRowsAndOfColumns) {
  // Eight blocks, fewer of at least 64, a last one that is shorter.
  check_product<TypeParam>(1003, 65, 67);
  check_product<TypeParam>(65, 1003, 67);
  check_product<TypeParam>(130, 129, 300);
}

TYPED_TEST(Blas, AnExtentOfZero) {
  using T = TypeParam;
  const std::vector<T> some = normal_values<T>(15, 1);
  std::vector<T> y(15, kNaN<T>);
  blas_gemm({.m = 3, .n = 5, .k = 0}, some.data(), some.data(), y.data());
  EXPECT_EQ(y, std::vector<T>(15, 0));  // an empty sum
  y = some;
  blas_gemm({.m = 0, .n = 5, .k = 3}, some.data(), some.data(), y.data());
  blas_gemm({.m = 3, .n = 0, .k = 5}, some.data(), some.data(), y.data());
  EXPECT_EQ(y, some);
}

TYPED_TEST(Blas, GivesTheSameInsideALoopOnSeveralThreads) {
  using T = TypeParam;
  const std::vector<T> a = normal_values<T>(300 * 130, 1), b = normal_values<T>(130 * 120, 2);
  const auto product = [&](std::vector<T>& y) {
    blas_gemm({.m = 300, .n = 120, .k = 130}, a.data(), b.data(), y.data());
  };
  std::vector<T> outside(300 * 120);
  product(outside);
  std::vector<std::vector<T>> inside(4, outside);
  for (std::vector<T>& y : inside) std::fill(y.begin(), y.end(), kNaN<T>);
  const testing::ThreadsGuard guard(3);
  parallel_for(4, 1, [&](Index i, Index) { product(inside[static_cast<std::size_t>(i)]); });
  for (const std::vector<T>& y : inside) EXPECT_TRUE(testing::same_bits(y, outside));
}

TEST(BlasChoice, LargeProductsOnlyAndOnlyFromKernelsAsWideAsOurs) {
  EXPECT_FALSE(blas_is_faster({.m = 512, .n = 512, .k = 512}));
#ifdef __x86_64__
  EXPECT_EQ(blas_core_level("SkylakeX"), 2);
  EXPECT_EQ(blas_core_level("Zen"), 1);
  EXPECT_EQ(blas_core_level("Haswell"), 1);
  EXPECT_EQ(blas_core_level("Nehalem"), 0);
#endif
  // The answer for this machine's library, by the same rule.
  const bool wide = blas_core_level(blas_core()) >= isa_level();
  EXPECT_EQ(blas_is_faster({.m = 2048, .n = 2048, .k = 2048}), wide);
}

}  // namespace
}  // namespace keel::kernels
