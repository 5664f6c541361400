#include "kernels/bias_gradient.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::normal_values;
using testing::on_every_level;

template <class T>
class BiasGradientKernels : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BiasGradientKernels, Types);

// Rows: none, one, a chunk and a bit, enough for several threads. Columns: around lengths of vectors.
constexpr Index kRows[] = {0, 1, 257, 9001};
constexpr Index kColumns[] = {1, 3, 10, 16, 33, 64, 100};

template <class T>
void expect_sums(const std::vector<T>& sums, const std::vector<T>& of) {
  const Index columns = static_cast<Index>(sums.size()), rows = static_cast<Index>(of.size()) / columns;
  for (Index c = 0; c < columns; ++c) {
    double sum = 0, size = 0;
    for (Index r = 0; r < rows; ++r) {
      const double value = static_cast<double>(of[static_cast<std::size_t>(r * columns + c)]);
      sum += value;
      size += std::abs(value);
    }
    EXPECT_NEAR(sums[static_cast<std::size_t>(c)], sum, kEpsilon<T> * 16 * (1 + size / 16)) << "column " << c;
  }
}

TYPED_TEST(BiasGradientKernels, SumsColumns) {
  using T = TypeParam;
  for (const Index rows : kRows) {
    for (const Index columns : kColumns) {
      const std::vector<T> dy = normal_values<T>(rows * columns, 1);
      std::vector<T> partial(static_cast<std::size_t>(bias_gradient_partials(rows, columns)));
      on_every_level<T>(
          bias_gradient, testing::unwritten<T>(columns),
          [&](auto* function, T* dbias) {
            function(dy.data(), nullptr, nullptr, partial.data(), dbias, rows, columns);
          },
          [&](const std::vector<T>& dbias) { expect_sums(dbias, dy); });
    }
  }
}

TYPED_TEST(BiasGradientKernels, MasksWhereTheResultIsNotAboveZero) {
  using T = TypeParam;
  for (const Index rows : kRows) {
    for (const Index columns : kColumns) {
      const std::vector<T> dy = normal_values<T>(rows * columns, 1);
      std::vector<T> y = normal_values<T>(rows * columns, 2), expected = dy;
      if (!y.empty()) y[0] = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (!(y[i] > 0)) expected[i] = 0;
      }
      std::vector<T> partial(static_cast<std::size_t>(bias_gradient_partials(rows, columns)));
      std::vector<T> dbias = testing::unwritten<T>(columns);
      on_every_level<T>(
          bias_gradient, testing::unwritten<T>(rows * columns),
          [&](auto* function, T* masked) {
            function(dy.data(), y.data(), masked, partial.data(), dbias.data(), rows, columns);
          },
          [&](const std::vector<T>& masked) {
            EXPECT_TRUE(testing::same_bits(masked, expected));
            expect_sums(dbias, expected);
          });
    }
  }
}

}  // namespace
}  // namespace keel::kernels
