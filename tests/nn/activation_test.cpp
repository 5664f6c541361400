#include "keel/nn/activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/check_module.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::check_module;
using testing::random_away_from_zero;
using testing::random_tensor;

template <class Activation>
std::shared_ptr<nn::Module> make(Rng&) {
  return std::make_shared<Activation>();
}

TEST(Activations, AreSoundLayers) {
  EXPECT_TRUE(check_module(make<nn::ReLU>,
                           {.input = random_away_from_zero({2, 3, 4}, 0.1, 2), .output_shape = {2, 3, 4}}));
  EXPECT_TRUE(check_module(make<nn::Sigmoid>, {.input = random_tensor({5, 2}), .output_shape = {5, 2}}));
  EXPECT_TRUE(check_module(make<nn::Tanh>, {.input = random_tensor({7}), .output_shape = {7}}));
}

// One element through an activation layer, in double precision.
template <class Activation>
double activation_of(double x) {
  Activation layer;
  nn::Context context(nn::Mode::training);
  return layer(Variable(Tensor::from<double>({1}, {x})), context).item();
}

TEST(Activations, ComputeTheFunctionsTheyAreNamedAfter) {
  EXPECT_EQ(activation_of<nn::ReLU>(-1.5), 0);
  EXPECT_EQ(activation_of<nn::ReLU>(2.5), 2.5);
  EXPECT_NEAR(activation_of<nn::Sigmoid>(-1.5), 1 / (1 + std::exp(1.5)), 1e-15);
  EXPECT_NEAR(activation_of<nn::Tanh>(-1.5), std::tanh(-1.5), 1e-15);
  // Far out, where e^-x overflows.
  EXPECT_EQ(activation_of<nn::Sigmoid>(-1000), 0);
  EXPECT_EQ(activation_of<nn::Tanh>(1000), 1);
}

TEST(Activations, HaveNamesAndNoState) {
  EXPECT_EQ(nn::ReLU().kind(), "relu");
  EXPECT_EQ(nn::Sigmoid().kind(), "sigmoid");
  EXPECT_EQ(nn::Tanh().kind(), "tanh");
  EXPECT_EQ(nn::ReLU().num_parameters(), 0);
}

}  // namespace
}  // namespace keel
