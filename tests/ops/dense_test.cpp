#include "keel/ops/dense.h"

#include <gtest/gtest.h>

#include "keel/ops/reduction.h"
#include "support/kernel_levels.h"

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

// Products of this size may be another library's, with bias and activation behind them.
TEST(DenseOp, OfManyRowsGivesWhatItsHalvesGive) {
  const auto normal = [](const Shape& shape, std::uint64_t stream) {
    return Tensor::from<float>(shape, testing::normal_values<float>(shape.numel(), stream));
  };
  const Tensor x = normal({1024, 512}, 1);
  const Variable weight(normal({512, 512}, 2)), bias(normal({512}, 3));
  const Variable all = dense(Variable(x), weight, bias, Activation::relu);
  for (const Index begin : {0, 512}) {
    const Variable half = dense(Variable(x.rows(begin, begin + 512)), weight, bias, Activation::relu);
    for (Index i = 0; i < half.value().numel(); ++i) {
      // Sums of 512 products of size 1, rounded in another order.
      ASSERT_NEAR(all.value().data<float>()[begin * 512 + i], half.value().data<float>()[i], 2e-4) << i;
    }
  }
}

}  // namespace
}  // namespace keel
