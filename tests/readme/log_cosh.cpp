// The operation that README.md shows, checked as any other.
#include "log_cosh.h"

#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"

TEST(LogCosh, GradientIsRight) {
  const keel::Tensor x = keel::Tensor::from<double>({2, 3}, {-2, -0.5, 0.1, 0.7, 1.5, 3});
  const auto result = keel::gradcheck([](const auto& inputs) { return log_cosh(inputs[0]); }, {x});
  EXPECT_TRUE(result) << result.message;
}
