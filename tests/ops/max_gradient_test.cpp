// The gradient of max at values that arithmetic does not compare: infinities and equals.
#include <gtest/gtest.h>

#include <limits>

#include "keel/ops/reduction.h"

namespace keel {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor gradient_of_row_maxima(const Tensor& values) {
  const Variable x(values, true);
  sum(max(x, {.axes = {1}})).backward();
  return x.grad();
}

TEST(MaxGradient, GoesToTheMaximumAmongInfinities) {
  const Tensor values = Tensor::from<float>(
      {4, 3}, {1, kInfinity, 2, -kInfinity, -kInfinity, -1, 3, -kInfinity, 3, kInfinity, kInfinity, 0});
  const Tensor dx = gradient_of_row_maxima(values);
  const float expected[] = {0, 1, 0, 0, 0, 1, 0.5F, 0, 0.5F, 0.5F, 0.5F, 0};
  for (Index i = 0; i < dx.numel(); ++i) EXPECT_EQ(dx.data<float>()[i], expected[i]) << "element " << i;
}

TEST(MaxGradient, IsSharedByARowOfNegativeInfinities) {
  const Tensor dx = gradient_of_row_maxima(Tensor::full({1, 2}, -kInfinity));
  EXPECT_EQ(dx.at({0, 0}), 0.5);
  EXPECT_EQ(dx.at({0, 1}), 0.5);
}

}  // namespace
}  // namespace keel
