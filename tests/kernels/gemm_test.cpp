// Our own matrix products against three loops in double, at every instruction set level.
#include "kernels/gemm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/kernel_levels.h"
#include "support/reference_product.h"

namespace keel::kernels {
namespace {

using testing::kNaN;
using testing::normal_values;
using testing::on_every_level;
using testing::ProductExtents;

template <class T>
class Gemm : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

template <class T>
void check_product(const ProductExtents& e, bool with_bias = false, bool relu = false) {
  SCOPED_TRACE(fmt::format("[{},{}]{} [{},{}]{}", e.m, e.k, e.transpose_a ? "^T" : "", e.k, e.n,
                           e.transpose_b ? "^T" : ""));
  const GemmSizes sizes{e.m, e.n, e.k, e.transpose_a, e.transpose_b};
  const std::vector<T> a = normal_values<T>(e.m * e.k, 1), b = normal_values<T>(e.k * e.n, 2);
  const std::vector<T> bias = with_bias ? normal_values<T>(e.n, 3) : std::vector<T>();
  std::vector<T> packed = testing::unwritten<T>(gemm_packed_elements<T>(sizes));
  on_every_level<T>(
      gemm, testing::unwritten<T>(e.m * e.n),
      [&](auto* function, T* y) {
        function(a.data(), b.data(), with_bias ? bias.data() : nullptr, y, packed.data(), sizes, relu);
      },
      [&](std::vector<T> y) {
        if (relu) {
          const std::vector<double> expected = testing::reference_product(a, b, bias, e);
          for (std::size_t i = 0; i < y.size(); ++i) {
            EXPECT_GE(y[i], 0);
            // What was cut off is put back, so that the rest is compared as always.
            if (y[i] == 0) y[i] = static_cast<T>(std::min(expected[i], 0.0));
          }
        }
        testing::expect_product(y, a, b, bias, e);
      });
}

TYPED_TEST(Gemm, AnyTransposes) {
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      for (const auto& [m, n, k] : {std::array<Index, 3>{1, 1, 1},
                                    {1, 17, 3},
                                    {17, 1, 3},
                                    {3, 5, 1},
                                    {5, 3, 65},
                                    {63, 65, 17},
                                    {32, 10, 128},
                                    {31, 64, 33},
                                    {2, 96, 7}}) {
        check_product<TypeParam>({m, n, k, transpose_a, transpose_b});
      }
    }
  }
}

TYPED_TEST(Gemm, OnSeveralThreads) {
  check_product<TypeParam>({.m = 400, .n = 70, .k = 80});
  check_product<TypeParam>({.m = 80, .n = 400, .k = 70, .transpose_a = true});
  check_product<TypeParam>({.m = 80, .n = 400, .k = 70, .transpose_b = true});
}

TYPED_TEST(Gemm, WithPackedRows) {
  const ProductExtents e{.m = 300, .n = 256, .k = 875};
  ASSERT_TRUE(worth_packing_rows({e.m, e.n, e.k, false, false}));
  check_product<TypeParam>(e);
  check_product<TypeParam>({.m = e.m, .n = e.n, .k = e.k, .transpose_a = true});
}

TYPED_TEST(Gemm, DeeperThanOneBlock) {
  for (const Index m : {20, 70}) {  // few rows, for which blocks are shared out, and more
    check_product<TypeParam>({.m = m, .n = 33, .k = 512});
    check_product<TypeParam>({.m = m, .n = 33, .k = 513});
    check_product<TypeParam>({.m = m, .n = 33, .k = 2500}, true, true);
    check_product<TypeParam>({.m = m, .n = 150, .k = 600, .transpose_b = true}, true, false);
  }
}

TYPED_TEST(Gemm, WithBiasAndRelu) {
  for (const Index n : {10, 32, 33, 128}) {
    check_product<TypeParam>({.m = 37, .n = n, .k = 50}, true, false);
    check_product<TypeParam>({.m = 37, .n = n, .k = 50}, false, true);
    check_product<TypeParam>({.m = 37, .n = n, .k = 50}, true, true);
  }
}

TYPED_TEST(Gemm, OfNothingIsTheBias) {
  check_product<TypeParam>({.m = 3, .n = 5, .k = 0});
  check_product<TypeParam>({.m = 3, .n = 5, .k = 0}, true, true);
  check_product<TypeParam>({.m = 0, .n = 5, .k = 3});
  check_product<TypeParam>({.m = 3, .n = 0, .k = 5});
}

TYPED_TEST(Gemm, KeepsNaNBehindRelu) {
  using T = TypeParam;
  const std::vector<T> a = {kNaN<T>, -1}, b = {1, 1};
  std::vector<T> packed(gemm_packed_elements<T>({2, 2, 1, false, false}));
  on_every_level<T>(
      gemm, testing::unwritten<T>(4),
      [&](auto* function, T* y) {
        function(a.data(), b.data(), nullptr, y, packed.data(), {2, 2, 1, false, false}, true);
      },
      [](const std::vector<T>& y) {
        EXPECT_NE(y[0], y[0]);
        EXPECT_EQ(y[2], 0);
      });
}

// So that a network gives an example the same result alone and in a batch.
TYPED_TEST(Gemm, ARowHasTheSameBitsInAnyBatch) {
  using T = TypeParam;
  const Index n = 128, k = 784, rows = 80;
  const std::vector<T> a = normal_values<T>(rows * k, 1), b = normal_values<T>(k * n, 2);
  const auto product = [&](Index m) {
    std::vector<T> y(static_cast<std::size_t>(m * n));
    std::vector<T> packed(static_cast<std::size_t>(gemm_packed_elements<T>({m, n, k, false, false})));
    const T* no_bias = nullptr;
    gemm(a.data(), b.data(), no_bias, y.data(), packed.data(), GemmSizes{m, n, k, false, false}, false);
    return y;
  };
  const std::vector<T> all = product(rows);
  for (const Index m : {1, 2, 13, 15, 32, 64, 65}) {
    const std::vector<T> some = product(m);
    EXPECT_TRUE(testing::same_bits(some, {all.begin(), all.begin() + m * n})) << m;
  }
}

}  // namespace
}  // namespace keel::kernels
