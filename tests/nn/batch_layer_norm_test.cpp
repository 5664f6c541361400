#include "keel/nn/batch_layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/model_description.h"
#include "keel/nn/state_dict.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchLayerNorm;
using nn::BatchLayerNormOptions;
using nn::BatchLayerNormPopulation;
using nn::Mode;
using testing::check_module;
using testing::expect_near;
using testing::message_of;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

constexpr double kEightDigits = 5e-9;
constexpr double kEpsilon = 1e-3;

std::vector<BatchLayerNormPopulation> all_populations() {
  std::vector<BatchLayerNormPopulation> all;
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      for (const bool c : {false, true}) {
        for (const bool d : {false, true}) all.push_back({a, b, c, d});
      }
    }
  }
  return all;
}

TEST(BatchLayerNormLayer, IsASoundLayerWithStatisticsOfEitherKind) {
  for (const BatchLayerNormPopulation& population : all_populations()) {
    EXPECT_TRUE(check_module(
        [&](Rng&) {
          return std::make_shared<BatchLayerNorm>(Shape{3}, BatchLayerNormOptions{.population = population});
        },
        {.input = random_tensor({5, 3}),
         .output_shape = {5, 3},
         .differs_in_training = population.batch_mean || population.batch_var || population.feature_mean ||
                                population.feature_var}));
  }
  for (const std::optional<double> momentum : {std::optional(0.3), std::optional<double>()}) {
    EXPECT_TRUE(check_module(
        [&](Rng&) {
          return std::make_shared<BatchLayerNorm>(
              Shape{2, 3, 4}, BatchLayerNormOptions{.sqrt_scaling = false, .momentum = momentum});
        },
        {.input = random_tensor({3, 2, 3, 4}), .output_shape = {3, 2, 3, 4}, .differs_in_training = true}));
  }
}

TEST(BatchLayerNormLayer, MatchesAWorkedExample) {
  BatchLayerNorm layer(Shape{2});
  layer.to(DType::float64);
  const Variable x(Tensor::from<double>({4, 2}, {1, -2, 2, 0, 3, 4, 6, 2}));
  const Tensor y = run(layer, x, Mode::training).value();
  expect_near(y.rows(0, 1), {-0.39012342, -0.88801320}, kEightDigits);
  expect_near(y.rows(3, 4), {1.02686913, 0.06043159}, kEightDigits);
  EXPECT_EQ(layer.batch_size.item(), 4);
  // The new batch weighs 0.1; variances are 4/3 of the biased 3.5 and 5.
  expect_near(layer.running_batch_mean.value(), {0.3, 0.1}, 1e-15);
  expect_near(layer.running_batch_var.value(), {0.9 + 0.35 * 4 / 3, 0.9 + 0.5 * 4 / 3}, 1e-15);
  // Of the rows, the means are -0.5, 1, 3.5, 4 and the variances 2.25, 1, 0.25, 4.
  expect_near(layer.running_feature_mean.value(), {0.2}, 1e-15);
  expect_near(layer.running_feature_var.value(), {0.9 + 0.1 * 1.875 * 4 / 3}, 1e-15);

  layer.weight.set_value(Tensor::from<double>({2}, {3, -2}));
  layer.bias.set_value(Tensor::from<double>({2}, {0.5, 0.25}));
  const Tensor scaled = run(layer, x, Mode::training).value();
  expect_near(scaled.rows(0, 1), {3 * -0.39012342 + 0.5, -2 * -0.88801320 + 0.25}, 3 * kEightDigits);
  BatchLayerNorm unscaled(Shape{2}, {.sqrt_scaling = false});
  unscaled.to(DType::float64);
  expect_near(run(unscaled, x, Mode::training).value().rows(3, 4),
              {1.02686913 * std::sqrt(2), 0.06043159 * std::sqrt(2)}, 2 * kEightDigits);
}

// One value of the formula from means and variances.
double formula(double x, double mean_b, double var_b, double mean_f, double var_f, double m,
               double channels) {
  const double x_b = (x - mean_b) / std::sqrt(var_b + kEpsilon),
               x_f = (x - mean_f) / std::sqrt(var_f + kEpsilon);
  return (x_f * (1 / m - 1e-4) + x_b * (1 - (1 / m + 1e-4))) / std::sqrt(channels);
}

struct Moments {
  double mean = 0, variance = 0;
};

template <class F>
Moments moments(Index count, const F& value) {
  Moments result;
  for (Index i = 0; i < count; ++i) result.mean += value(i) / static_cast<double>(count);
  for (Index i = 0; i < count; ++i) {
    result.variance += std::pow(value(i) - result.mean, 2) / static_cast<double>(count);
  }
  return result;
}

// Images of 2 positions and 3 channels: the statistics over the batch are those of a channel at a position.
TEST(BatchLayerNormLayer, EvaluationTakesThePopulationsStatisticsWhereItIsToldTo) {
  constexpr Index kRows = 4, kPositions = 2, kChannels = 3;
  const Tensor x = random_tensor({kRows, 2, 1, kChannels});
  const auto at = [&](Index n, Index p, Index c) { return x.at({n, p, 0, c}); };
  BatchLayerNorm layer(Shape{2, 1, kChannels}, {.batch_size = 7});
  layer.to(DType::float64);
  run(layer, Variable(random_tensor({5, 2, 1, kChannels}, 2)), Mode::training);
  for (const BatchLayerNormPopulation& population : all_populations()) {
    layer.use_population(population);
    const Tensor y = run(layer, Variable(x), Mode::evaluation).value();
    for (Index n = 0; n < kRows; ++n) {
      for (Index p = 0; p < kPositions; ++p) {
        for (Index c = 0; c < kChannels; ++c) {
          Moments batch = moments(kRows, [&](Index i) { return at(i, p, c); });
          Moments feature = moments(kChannels, [&](Index i) { return at(n, p, i); });
          const Index element = p * kChannels + c;
          if (population.batch_mean) batch.mean = layer.running_batch_mean.value().at({element});
          if (population.batch_var) batch.variance = layer.running_batch_var.value().at({element});
          if (population.feature_mean) feature.mean = layer.running_feature_mean.value().at({p});
          if (population.feature_var) feature.variance = layer.running_feature_var.value().at({p});
          ASSERT_NEAR(
              y.at({n, p, 0, c}),
              formula(at(n, p, c), batch.mean, batch.variance, feature.mean, feature.variance, 7, kChannels),
              1e-14);
        }
      }
    }
  }
}

TEST(BatchLayerNormLayer, WhatItTakesOfThePopulationIsPartOfItsState) {
  for (const BatchLayerNormPopulation& population : all_populations()) {
    BatchLayerNorm layer(Shape{3}), loaded(Shape{3});
    layer.use_population(population);
    load_state_dict(loaded, layer.state_dict());
    const std::shared_ptr<nn::Module> clone = layer.clone();
    for (const nn::Module* same_layer : {static_cast<nn::Module*>(&loaded), clone.get()}) {
      const auto* same = dynamic_cast<const BatchLayerNorm*>(same_layer);
      EXPECT_TRUE(same->used_population() == population);
    }
  }
}

TEST(BatchLayerNormLayer, EvaluationGivesAnExampleTheSameResultAloneAndInABatch) {
  BatchLayerNorm layer(Shape{6});
  const Tensor x = random_tensor({8, 6}, 1, DType::float32);
  run(layer, Variable(x), Mode::training);
  const Tensor together = run(layer, Variable(x), Mode::evaluation).value();
  const Tensor alone = run(layer, Variable(x.rows(3, 4).clone()), Mode::evaluation).value();
  EXPECT_TRUE(same_bits(alone, together.rows(3, 4).clone()));
}

// As the authors have it: means over the batches of an epoch, anew each epoch.
TEST(BatchLayerNormLayer, ThePopulationCanBeTheMeanOverAnEpoch) {
  BatchLayerNorm layer(Shape{2}, {.momentum = std::nullopt, .reset_every = 3});
  layer.to(DType::float64);
  const auto train = [&](double value) {
    run(layer, Variable(Tensor::from<double>({2, 2}, {value, value, value + 2, value + 4})), Mode::training);
  };
  for (const double value : {1, 2, 6}) train(value);
  // Batch means value + 1 and value + 2, variances 1 and 4, unbiased 2 and 8.
  expect_near(layer.running_batch_mean.value(), {4, 5}, 1e-14);
  expect_near(layer.running_batch_var.value(), {2, 8}, 1e-14);
  // Row means value and value + 3, row variances 0 and 1: 0.5, twice that as coded.
  expect_near(layer.running_feature_mean.value(), {4.5}, 1e-14);
  expect_near(layer.running_feature_var.value(), {1}, 1e-14);
  EXPECT_EQ(layer.num_batches_tracked.item(), 3);
  train(10);
  expect_near(layer.running_batch_mean.value(), {11, 12}, 1e-14);
  EXPECT_EQ(layer.num_batches_tracked.item(), 1);
  layer.reset_population();
  expect_near(layer.running_batch_var.value(), {1, 1}, 0);
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
}

TEST(BatchLayerNormLayer, ABatchOfOneIsNormalisedOverItsFeatures) {
  BatchLayerNorm layer(Shape{3}, {.batch_size = 1, .momentum = 1});
  layer.to(DType::float64);
  const Tensor y = run(layer, Variable(Tensor::from<double>({1, 3}, {1, 2, 6})), Mode::training).value();
  for (const Index c : {0, 1, 2}) {
    const double x = std::vector<double>{1, 2, 6}[static_cast<std::size_t>(c)];
    EXPECT_NEAR(y.at({0, c}), formula(x, x, 0, 3, 14.0 / 3, 1, 3), 1e-15);
  }
  expect_near(layer.running_batch_var.value(), {0, 0, 0}, 0);
  expect_near(layer.running_feature_var.value(), {14.0 / 3}, 1e-15);
}

// A smaller last batch is weighed by the m of all others.
TEST(BatchLayerNormLayer, TheBatchSizeIsThatOfTheFirstBatchInTraining) {
  BatchLayerNorm layer(Shape{2});
  EXPECT_EQ(layer.batch_size.item(), 0);
  run(layer, Variable(random_tensor({3, 2}, 1, DType::float32)), Mode::evaluation);
  EXPECT_EQ(layer.batch_size.item(), 0);
  run(layer, Variable(random_tensor({5, 2}, 1, DType::float32)), Mode::training);
  run(layer, Variable(random_tensor({3, 2}, 1, DType::float32)), Mode::training);
  EXPECT_EQ(layer.batch_size.item(), 5);
  EXPECT_EQ(BatchLayerNorm(Shape{2}, {.batch_size = 64}).batch_size.item(), 64);
}

TEST(BatchLayerNormLayer, ErrorsNameTheLayer) {
  BatchLayerNorm layer(Shape{4, 3});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({2, 3, 4})), Mode::training);
            }),
            "[batch_layer_norm] expected an input [N,...] of examples [4,3], found [2,3,4]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              run(layer, Variable(Tensor::zeros({2, 4, 3}, DType::float64)), Mode::training);
            }),
            "[batch_layer_norm] expected float32 elements as in the layer, found float64");
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, Variable(Tensor::zeros({0, 4, 3})), Mode::training);
            }),
            "[batch_layer_norm] expected at least one example in training, found input [0,4,3]");
  const auto rejection = [](const BatchLayerNormOptions& options) {
    return message_of<ValueError>([&] { BatchLayerNorm(Shape{3}, options); });
  };
  EXPECT_EQ(rejection({.batch_size = -1}),
            "[batch_layer_norm] expected a batch_size of at least 0, found -1");
  EXPECT_EQ(rejection({.epsilon = 0}), "[batch_layer_norm] expected epsilon > 0, found 0");
  EXPECT_EQ(rejection({.momentum = 2}),
            "[batch_layer_norm] expected a momentum in [0,1], the weight of the new batch, found 2");
  EXPECT_EQ(rejection({.reset_every = -1}),
            "[batch_layer_norm] expected reset_every of at least 0, found -1");
  EXPECT_EQ(
      rejection({.reset_every = 5}),
      "[batch_layer_norm] expected reset_every only for the mean over batches (no momentum), found it with "
      "momentum 0.1");
  EXPECT_EQ(message_of<ValueError>([] {
              BatchLayerNorm(Shape{4, 1});
            }),
            "[batch_layer_norm] expected examples of at least 2 channels, found [4,1]");
}

TEST(BatchLayerNormLayer, CanBeDescribed) {
  const auto description = nn::ModelDescription::parse(
      R"({"input":[4,3],"classes":3,"layers":[{"layer":"batch_layer_norm","momentum":null,"reset_every":9,)"
      R"("population_feature_mean":true},{"layer":"flatten"},{"layer":"dense","units":"classes"}]})",
      "model.json");
  const auto model = description.build(Rng(1, Stream::initialization));
  EXPECT_EQ(model->named_buffers().at(0).variable.shape(), (Shape{12}));
  EXPECT_EQ(model->named_buffers().at(2).variable.shape(), (Shape{4}));
}

}  // namespace
}  // namespace keel
