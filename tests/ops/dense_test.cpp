#include "keel/ops/dense.h"

#include <gtest/gtest.h>

#include "keel/ops/reduction.h"

namespace keel {
namespace {

TEST(DenseOp, WithoutOutputsHasGradientsOfZeroAndNone) {
  const Variable x(Tensor::ones({2, 4, 3}), true), weight(Tensor::ones({3, 0}), true),
      bias(Tensor::ones({0}), true);
  const Variable y = dense(x, weight, bias);
  EXPECT_EQ(y.shape(), (Shape{2, 4, 0}));
  sum(y).backward();
  EXPECT_EQ(x.grad().shape(), x.shape());
  for (Index i = 0; i < x.grad().numel(); ++i) EXPECT_EQ(x.grad().data<float>()[i], 0);
  EXPECT_EQ(weight.grad().shape(), weight.shape());
  EXPECT_EQ(bias.grad().shape(), bias.shape());
}

}  // namespace
}  // namespace keel
