#include "keel/train/distributions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "keel/core/parallel.h"
#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/residual.h"
#include "keel/ops/loss.h"
#include "keel/ops/reduction.h"
#include "train/support.h"

namespace keel::train {
namespace {

using testing::banded_images;
using testing::small_cnn;
using testing::small_mlp;
using testing::state_of;

// numpy.percentile(x, [15, 50, 85]), x.mean(), x.std() of x = [3, -1, 4, 1, -5, 9, 2, 6]
TEST(DistributionOf, GivesTheFiguresOfNumPy) {
  const Distribution d = distribution_of(Tensor::from<float>({2, 4}, {3, -1, 4, 1, -5, 9, 2, 6}));
  EXPECT_NEAR(d.p15, -0.9, 1e-12);
  EXPECT_NEAR(d.p50, 2.5, 1e-12);
  EXPECT_NEAR(d.p85, 5.9, 1e-12);
  EXPECT_NEAR(d.mean, 2.375, 1e-12);
  EXPECT_NEAR(d.deviation, 3.998046397929869, 1e-12);
}

// As by sorting, where elements are many, often equal, or far apart.
TEST(DistributionOf, IsThatOfTheSortedElements) {
  Rng rng(3, Stream::test);
  for (const int kind : {0, 1, 2, 3}) {
    std::vector<float> values;
    for (Index i = 0; i < 200'003; ++i) {
      const auto x = static_cast<float>(rng.uniform() - 0.3);
      values.push_back(kind == 0   ? x
                       : kind == 1 ? std::max(x, 0.0F)
                       : kind == 2 ? std::pow(x, 31.0F)
                                   : std::copysign(3e38F, x) * std::abs(x));
    }
    const Distribution d = distribution_of(Tensor::from<float>({200'003}, values));
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double share) {
      const double place = share * 200'002;
      const auto below = static_cast<std::size_t>(place);
      return sorted[below] + (place - std::floor(place)) * (sorted[below + 1] - sorted[below]);
    };
    EXPECT_EQ(d.p15, at(0.15)) << kind;
    EXPECT_EQ(d.p50, at(0.50)) << kind;
    EXPECT_EQ(d.p85, at(0.85)) << kind;
    double mean = 0, squares = 0;
    for (const double x : sorted) mean += x / 200'003;
    for (const double x : sorted) squares += (x - mean) * (x - mean) / 200'003;
    EXPECT_NEAR(d.mean, mean, 1e-12 * std::sqrt(squares));
    EXPECT_NEAR(d.deviation, std::sqrt(squares), 1e-11 * std::sqrt(squares));
  }
}

TEST(DistributionOf, OneElementIsAllItsPercentiles) {
  const Distribution d = distribution_of(Tensor::from<double>({1}, {7}));
  EXPECT_EQ(d.p15, 7);
  EXPECT_EQ(d.p85, 7);
  EXPECT_EQ(d.deviation, 0);
}

TEST(DistributionOf, OfTheLeastNumbersOfTheType) {
  for (const double unit : {5e-324, 1e-310, 2e-308, 1e-307, 5e-305}) {
    const Distribution d =
        distribution_of(Tensor::from<double>({5}, {2 * unit, 0, 4 * unit, 100 * unit, 3 * unit}));
    EXPECT_EQ(d.p50, 3 * unit);
    EXPECT_GE(d.p15, 0);
    EXPECT_LE(d.p15, 2 * unit);
    EXPECT_GE(d.p85, 4 * unit);
    EXPECT_LE(d.p85, 100 * unit);
  }
}

TEST(DistributionOf, IsNoNumberWhereAnElementIsNone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Distribution d = distribution_of(Tensor::from<float>({3}, {1, bad, 2}));
    for (const double figure : {d.p15, d.p50, d.p85, d.mean, d.deviation}) EXPECT_TRUE(std::isnan(figure));
  }
  Tensor many = Tensor::zeros({200'000});
  many.data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(distribution_of(many).p50));
  EXPECT_TRUE(std::isnan(distribution_of(Tensor::zeros({0, 3})).mean));
}

TEST(DistributionOf, RefusesIntegers) {
  EXPECT_THROW(distribution_of(Tensor::zeros({2}, DType::int32)), DTypeError);
}

std::vector<std::string> names_of(const std::vector<LayerDistribution>& layers) {
  std::vector<std::string> names;
  for (const LayerDistribution& layer : layers) names.push_back(layer.path + " " + layer.kind);
  return names;
}

const LayerDistribution& find(const std::vector<LayerDistribution>& layers, const std::string& path) {
  for (const LayerDistribution& layer : layers) {
    if (layer.path == path) return layer;
  }
  throw Error("no layer " + path);
}

TEST(LayerDistributions, AreThoseOfWhatEachLayerIsGiven) {
  nn::Sequential model;
  model.add<nn::ReLU>();
  model.add<nn::Sigmoid>();
  // The first unit is dead, the second always alive, the third once.
  const Tensor x = Tensor::from<float>({2, 3}, {-1, 5, -2, 0, 6, 1});
  const auto layers = layer_distributions(model, x);
  EXPECT_EQ(names_of(layers), (std::vector<std::string>{"0 relu", "1 sigmoid", "output logits"}));
  EXPECT_TRUE(layers[0].is_activation);
  EXPECT_DOUBLE_EQ(layers[0].input.mean, 1.5);
  EXPECT_DOUBLE_EQ(layers[0].unit.mean, 5.5);  // of feature 1 of 3
  EXPECT_DOUBLE_EQ(layers[0].dead, 1.0 / 3);
  EXPECT_DOUBLE_EQ(layers[0].flat, 0.5);  // -1, -2 and 0
  EXPECT_DOUBLE_EQ(layers[1].input.mean, 2);
  EXPECT_DOUBLE_EQ(layers[1].flat, 1.0 / 3);  // 5 and 6 of six
  EXPECT_EQ(layers[1].dead, 0);
  EXPECT_FALSE(layers[2].is_activation);
  EXPECT_TRUE(std::isnan(layers[2].dead));
  EXPECT_NEAR(layers[2].unit.mean, (1 / (1 + std::exp(-5.0)) + 1 / (1 + std::exp(-6.0))) / 2, 1e-6);
}

TEST(LayerDistributions, TheFlatPartsBeginWhereTheHeaderSays) {
  for (const double sign : {-1.0, 1.0}) {
    nn::Sequential sigmoids, tanhs;
    sigmoids.add<nn::Sigmoid>();
    tanhs.add<nn::Tanh>();
    const auto flat = [&](const nn::Module& model, double x) {
      return layer_distributions(model, Tensor::full({1, 1}, sign * x))[0].flat;
    };
    EXPECT_EQ(flat(sigmoids, 4.58), 0);
    EXPECT_EQ(flat(sigmoids, 4.60), 1);
    EXPECT_EQ(flat(tanhs, 2.99), 0);
    EXPECT_EQ(flat(tanhs, 3.00), 1);
  }
}

struct Swish final : nn::Layer<Swish> {
  nn::Parameter beta = parameter("beta", Tensor::ones({1}));
  Variable forward(const Variable& x, nn::Context&) override { return x * sigmoid(beta * x); }
};

TEST(LayerDistributions, FindTheActivationsByWhatTheyDo) {
  Rng rng(1, Stream::test);
  nn::Sequential model;
  model.add<nn::Flatten>();
  model.add<nn::Dense>(33, 33, rng);
  model.add<nn::BatchNorm>(33);
  model.add<Swish>();
  model.add<nn::Dropout>(0.5);
  model.add<nn::Tanh>();
  const auto layers = layer_distributions(model, Tensor::ones({4, 33}));
  std::vector<bool> found;
  for (const LayerDistribution& layer : layers) found.push_back(layer.is_activation);
  EXPECT_EQ(found, (std::vector<bool>{false, false, false, true, false, true, false}));
}

TEST(LayerDistributions, InTrainingModeBatchNormUsesTheBatch) {
  const auto model = small_mlp({.batch_norm = true, .norm_position = nn::NormPosition::before_activation});
  const Tensor x = banded_images(30)->gather(std::vector<std::int32_t>{0, 4, 7, 11, 14, 22}).inputs;
  const auto trained = layer_distributions(*model, x);
  EXPECT_EQ(find(trained, "3").kind, "relu");
  EXPECT_NEAR(find(trained, "3").input.mean, 0, 1e-6);
  EXPECT_NEAR(find(trained, "3").input.deviation, 1, 1e-2);
  // Without any step, its running statistics are 0 and 1: it changes nothing.
  const auto evaluated = layer_distributions(*model, x, nn::Context(nn::Mode::evaluation));
  EXPECT_NEAR(find(evaluated, "3").input.deviation, find(evaluated, "2").input.deviation, 1e-4);
}

TEST(LayerDistributions, LeaveTheModelAsItIs) {
  const auto model = small_cnn({.batch_norm = true, .dropout = 0.5});
  const data::Batch batch = banded_images(12)->gather(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  nn::Context context(nn::Mode::training);
  softmax_cross_entropy(model->forward(Variable(batch.inputs), context), batch.labels).backward();
  const std::vector<double> before = state_of(*model);
  std::vector<Tensor> gradients;
  for (const Variable& parameter : model->parameters()) gradients.push_back(parameter.grad().clone());
  const auto first = layer_distributions(*model, batch.inputs);
  EXPECT_EQ(state_of(*model), before);
  const std::vector<Variable> parameters = model->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto now = parameters[i].grad().values<float>(), then = gradients[i].values<float>();
    EXPECT_TRUE(std::equal(now.begin(), now.end(), then.begin(), then.end()));
  }
  // And give the same again: Dropout drops the same elements.
  const auto again = layer_distributions(*model, batch.inputs);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].input.mean, again[i].input.mean);
}

TEST(LayerDistributions, AreTheSameBitsForAnyNumberOfThreads) {
  const auto model = small_cnn({.batch_norm = true});
  const Tensor x = banded_images(12)->gather(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}).inputs;
  const int threads = num_threads();
  set_num_threads(1);
  const auto one = layer_distributions(*model, x);
  set_num_threads(3);
  const auto three = layer_distributions(*model, x);
  set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].input.deviation, three[i].input.deviation);
    EXPECT_EQ(one[i].unit.p85, three[i].unit.p85);
  }
}

TEST(LayerDistributions, OfAResidualBlockAreThoseOfItsLayers) {
  Rng rng(1, Stream::test);
  const auto body = std::make_shared<nn::Sequential>();
  body->add<nn::Dense>(3, 3, rng);
  body->add<nn::Tanh>();
  nn::Sequential model;
  model.add(std::make_shared<nn::Residual>(body));
  EXPECT_EQ(names_of(layer_distributions(model, Tensor::ones({2, 3}))),
            (std::vector<std::string>{"0.body.0 dense", "0.body.1 tanh", "output logits"}));
}

TEST(LayerDistributions, OfAModelThatIsNoContainerAreItsOwn) {
  nn::Tanh model;
  EXPECT_EQ(names_of(layer_distributions(model, Tensor::ones({2, 3}))),
            (std::vector<std::string>{" tanh", "output logits"}));
}

struct Scaled final : nn::Layer<Scaled> {
  nn::Parameter scale = parameter("scale", Tensor::ones({1}));
  nn::Child<nn::Tanh> squash = child("squash", std::make_shared<nn::Tanh>());
  Variable forward(const Variable& x, nn::Context& context) override { return scale * squash(x, context); }
};

TEST(LayerDistributions, AContainerWithParametersIsListedBehindItsParts) {
  nn::Sequential model;
  model.add<Scaled>();
  const auto layers = layer_distributions(model, Tensor::ones({2, 3}));
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0].path, "0.squash");
  EXPECT_EQ(layers[1].path, "0");
  EXPECT_FALSE(layers[1].is_activation);
  EXPECT_EQ(layers[1].input.mean, 1);
}

TEST(NormOf, IsThatOfAllElementsTogether) {
  EXPECT_DOUBLE_EQ(norm_of({Tensor::from<float>({2}, {3, 0}), Tensor::from<double>({1, 1}, {-4})}), 5);
  EXPECT_EQ(norm_of({}), 0);
}

TEST(ParametersByLayer, AreThoseOfEachModule) {
  const auto model = small_mlp({.batch_norm = true});
  const auto layers = parameters_by_layer(*model);
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0].path, "1");
  EXPECT_EQ(layers[0].parameters.size(), 2U);
  EXPECT_TRUE(std::isnan(gradient_norm(layers[0])));
  Variable bias = layers[2].parameters[1];
  bias.set_grad(Tensor::full(bias.shape(), 2));
  EXPECT_DOUBLE_EQ(gradient_norm(layers[2]), std::sqrt(12.0));
}

TEST(ParametersByLayer, GoToTheLongestOfThePathsAboveThem) {
  Rng rng(1, Stream::test);
  const auto body = std::make_shared<nn::Sequential>();
  body->add<nn::Dense>(3, 3, rng);
  body->add<nn::Dense>(3, 3, rng);
  nn::Sequential model;
  model.add(std::make_shared<nn::Residual>(body));
  const auto layers = parameters_by_layer(model, {"0", "0.body.1", "0.bod"});
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].path, "0");
  EXPECT_EQ(layers[1].path, "0.body.1");
  EXPECT_EQ(layers[1].parameters.size(), 2U);
}

}  // namespace
}  // namespace keel::train
