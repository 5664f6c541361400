#include "keel/nn/activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/model_description.h"
#include "support/check_module.h"
#include "support/errors.h"
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
  EXPECT_TRUE(check_module(make<nn::SELU>,
                           {.input = random_away_from_zero({2, 3, 4}, 0.1, 2), .output_shape = {2, 3, 4}}));
  EXPECT_TRUE(check_module(make<nn::SiLU>, {.input = random_tensor({5, 2}), .output_shape = {5, 2}}));
  EXPECT_TRUE(check_module(make<nn::HardSigmoid>, {.input = random_tensor({5, 2}), .output_shape = {5, 2}}));
}

TEST(Activations, WithConstantsAreSoundLayers) {
  const testing::ModuleExpectation expected{.input = random_away_from_zero({2, 3, 4}, 0.1, 2),
                                            .output_shape = {2, 3, 4}};
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<nn::LeakyReLU>(0.2); }, expected));
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<nn::ELU>(0.7); }, expected));
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<nn::GELU>(); }, expected));
  EXPECT_TRUE(
      check_module([](Rng&) { return std::make_shared<nn::GELU>(GeluApproximation::tanh); }, expected));
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<nn::Softplus>(2, 1.5); }, expected));
}

std::shared_ptr<nn::Sequential> described(const std::string& layer) {
  return nn::ModelDescription::parse(fmt::format(R"({{"layers": [{}]}})", layer), "test")
      .build({3}, 3, Rng(0, Stream::initialization));
}

TEST(Activations, AreBuiltFromDescriptionsWithTheirConstants) {
  const auto value = [](const std::string& layer) {
    nn::Context context(nn::Mode::evaluation);
    const Variable x(Tensor::from<float>({1, 3}, {-2, 0.5F, 40}));
    const Tensor y = described(layer)->forward(x, context).value();
    return std::vector<float>(y.values<float>().begin(), y.values<float>().end());
  };
  const auto expected = [](const Variable& y) {
    return std::vector<float>(y.value().values<float>().begin(), y.value().values<float>().end());
  };
  const Variable x(Tensor::from<float>({3}, {-2, 0.5F, 40}));
  EXPECT_EQ(value(R"({"layer": "leaky_relu"})"), expected(leaky_relu(x)));
  EXPECT_EQ(value(R"({"layer": "leaky_relu", "negative_slope": 0.3})"), expected(leaky_relu(x, 0.3)));
  EXPECT_EQ(value(R"({"layer": "elu", "alpha": 2})"), expected(elu(x, 2)));
  EXPECT_EQ(value(R"({"layer": "selu"})"), expected(selu(x)));
  EXPECT_EQ(value(R"({"layer": "gelu"})"), expected(gelu(x)));
  EXPECT_EQ(value(R"({"layer": "gelu", "approximation": "tanh"})"),
            expected(gelu(x, GeluApproximation::tanh)));
  EXPECT_NE(expected(gelu(x)), expected(gelu(x, GeluApproximation::tanh)));
  EXPECT_EQ(value(R"({"layer": "silu"})"), expected(silu(x)));
  EXPECT_EQ(value(R"({"layer": "softplus", "beta": 3, "threshold": 1})"), expected(softplus(x, 3, 1)));
  EXPECT_EQ(value(R"({"layer": "hard_sigmoid"})"), expected(hard_sigmoid(x)));
}

TEST(Activations, OfConstantsThatAreNoneSayWhich) {
  const Variable x(Tensor::zeros({3}));
  EXPECT_EQ(testing::message_of<ValueError>([&] { softplus(x, 0); }),
            "[softplus] expected beta other than 0, found 0");
  EXPECT_EQ(testing::message_of<ValueError>([&] { elu(x, INFINITY); }),
            "[elu] expected finite constants, found inf and 1");
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
  EXPECT_EQ(nn::LeakyReLU().kind(), "leaky_relu");
  EXPECT_EQ(nn::ELU().kind(), "elu");
  EXPECT_EQ(nn::SELU().kind(), "selu");
  EXPECT_EQ(nn::GELU().kind(), "gelu");
  EXPECT_EQ(nn::SiLU().kind(), "silu");
  EXPECT_EQ(nn::Softplus().kind(), "softplus");
  EXPECT_EQ(nn::HardSigmoid().kind(), "hard_sigmoid");
  EXPECT_EQ(nn::ReLU().num_parameters(), 0);
}

}  // namespace
}  // namespace keel
