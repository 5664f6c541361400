// A layer of one's own: one struct. The second test is all a new layer needs to be checked.
#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/module.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "support/check_module.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

// x sigmoid(beta x), with a trained beta (Ramachandran et al., arXiv:1710.05941, section 4.2).
struct Swish final : nn::Layer<Swish> {
  nn::Parameter beta = parameter("beta", Tensor::ones({1}));
  Variable forward(const Variable& x, nn::Context&) override { return x * sigmoid(beta * x); }
};

TEST(CustomLayer, ComputesWhatItsFormulaSays) {
  Swish swish;
  nn::Context context(nn::Mode::evaluation);
  const Tensor y = swish(Variable(Tensor::from<float>({3}, {-1, 0, 2})), context).value();
  EXPECT_NEAR(y.at({0}), -1 / (1 + std::exp(1.0)), 1e-7);  // float32 has seven digits
  EXPECT_EQ(y.at({1}), 0);
  EXPECT_NEAR(y.at({2}), 2 / (1 + std::exp(-2.0)), 2e-7);
}

TEST(CustomLayer, IsALayerLikeAnyOther) {
  EXPECT_TRUE(testing::check_module([](Rng&) { return std::make_shared<Swish>(); },
                                    {.input = testing::random_tensor({4, 3}), .output_shape = {4, 3}}));
}

TEST(CustomLayer, IsNamedAfterItsType) {
  Swish swish;
  EXPECT_EQ(swish.kind(), "Swish");
  ASSERT_EQ(swish.named_parameters().size(), 1);
  EXPECT_EQ(swish.named_parameters()[0].name, "beta");
  EXPECT_EQ(swish.num_parameters(), 1);
}

}  // namespace
}  // namespace keel
