#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/sequential.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchNorm;
using nn::BatchNormOptions;
using nn::Context;
using nn::Mode;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Variable run(nn::Module& layer, const Tensor& x, Mode mode) {
  Context context(mode);
  return layer(Variable(x), context);
}

Tensor batch(const Shape& shape, std::uint64_t seed = 1) {
  return random_tensor(shape, seed, DType::float32);
}

std::vector<std::string> names_of(const std::vector<nn::NamedVariable>& variables) {
  std::vector<std::string> names;
  for (const nn::NamedVariable& named : variables) names.push_back(named.name);
  return names;
}

// The message of what BatchNorm(3, options) throws.
std::string rejection(const BatchNormOptions& options) {
  return message_of<ValueError>([&] { BatchNorm(3, options); });
}

TEST(BatchNormOptions, PresetsAreTheFrameworksDefaults) {
  EXPECT_EQ(BatchNormOptions::pytorch().epsilon, 1e-5);
  EXPECT_EQ(BatchNormOptions::pytorch().momentum, 0.1);
  EXPECT_EQ(BatchNormOptions::keras().epsilon, 1e-3);
  EXPECT_EQ(BatchNormOptions::keras().momentum, 0.01);  // Keras's 0.99 is the weight of the old value
  for (const BatchNormOptions& preset : {BatchNormOptions::pytorch(), BatchNormOptions::keras()}) {
    const BatchNorm layer(2, preset);
    EXPECT_EQ(layer.weight.value().at({1}), 1);
    EXPECT_EQ(layer.bias.value().at({1}), 0);
    EXPECT_EQ(layer.running_mean.value().at({1}), 0);
    EXPECT_EQ(layer.running_var.value().at({1}), 1);
  }
}

TEST(BatchNormOptions, StateHasPyTorchsNames) {
  const BatchNorm full(3), bare(3, {.scale = false, .center = false, .track_running_stats = false});
  EXPECT_EQ(names_of(full.named_parameters()), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_EQ(names_of(full.named_buffers()),
            (std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"}));
  EXPECT_TRUE(bare.named_parameters().empty());
  EXPECT_TRUE(bare.named_buffers().empty());
  EXPECT_EQ(names_of(BatchNorm(3, {.scale = false}).named_parameters()), std::vector<std::string>{"bias"});
  EXPECT_EQ(names_of(BatchNorm(3, {.center = false}).named_parameters()), std::vector<std::string>{"weight"});
  EXPECT_EQ(full.num_parameters(), 6);
  EXPECT_EQ(full.kind(), "batch_norm");
}

TEST(BatchNormOptions, InitialValuesAreWhereTrainingStarts) {
  const BatchNorm layer(
      3, {.initial_gamma = 0.25, .initial_beta = -2, .initial_running_mean = 7, .initial_running_var = 0});
  for (Index c = 0; c < 3; ++c) {
    EXPECT_EQ(layer.weight.value().at({c}), 0.25);
    EXPECT_EQ(layer.bias.value().at({c}), -2);
    EXPECT_EQ(layer.running_mean.value().at({c}), 7);
    EXPECT_EQ(layer.running_var.value().at({c}), 0);
  }
  EXPECT_EQ(layer.options().initial_gamma, 0.25);
}

TEST(BatchNormOptions, OutOfRangeIsRejected) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const std::string momentum =
      "[batch_norm] expected a momentum in [0,1], the weight of the new batch, found ";
  EXPECT_EQ(rejection({.momentum = 1.5}), momentum + "1.5");
  EXPECT_EQ(rejection({.momentum = -0.1}), momentum + "-0.1");
  EXPECT_EQ(rejection({.momentum = nan}), momentum + "nan");
  EXPECT_EQ(rejection({.momentum = 0}), "no error");
  EXPECT_EQ(rejection({.momentum = 1}), "no error");
  const std::string epsilon = "[batch_norm] expected epsilon > 0, found ";
  EXPECT_EQ(rejection({.epsilon = 0}), epsilon + "0");
  EXPECT_EQ(rejection({.epsilon = -1e-5}), epsilon + "-1e-05");
  EXPECT_EQ(rejection({.epsilon = nan}), epsilon + "nan");
  EXPECT_EQ(rejection({.epsilon = infinity}), epsilon + "inf");
  EXPECT_EQ(rejection({.epsilon = 1e-80}), "[batch_norm] epsilon 1e-80 is 0 in float32");
  EXPECT_EQ(rejection({.epsilon = 1e-38}), "no error");
  EXPECT_EQ(
      rejection({.initial_running_mean = nan}),
      "[batch_norm] expected finite initial statistics and a variance of at least 0, found mean nan and "
      "variance 1");
  EXPECT_EQ(rejection({.initial_running_var = -1}),
            "[batch_norm] expected finite initial statistics and a variance of at least 0, found mean 0 and "
            "variance -1");
  EXPECT_EQ(message_of<ValueError>([] { BatchNorm(0); }),
            "[batch_norm] expected at least 1 channel, found 0");
}

TEST(BatchNormOptions, AnInputThatDoesNotFitIsRejectedAndChangesNothing) {
  BatchNorm layer(3), bare(3, {.scale = false, .center = false});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, batch({4, 2}), Mode::training);
            }),
            "[batch_norm] expected an input [...,3] with at least two axes, found [4,2]");
  EXPECT_EQ(message_of<ShapeError>([&] { run(layer, batch({3}), Mode::evaluation); }),
            "[batch_norm] expected an input [...,3] with at least two axes, found [3]");
  for (BatchNorm* each : {&layer, &bare}) {
    for (const Mode mode : {Mode::training, Mode::evaluation}) {
      EXPECT_EQ(message_of<DTypeError>([&] {
                  run(*each, random_tensor({4, 3}), mode);
                }),
                "[batch_norm] expected float32 elements as in the layer, found float64");
    }
    EXPECT_EQ(each->num_batches_tracked.value().item(), 0);
    EXPECT_EQ(each->running_mean.value().at({0}), 0);
  }
}

TEST(BatchNormOptions, OneValuePerChannelInTrainingIsAnErrorWithRemedies) {
  BatchNorm layer(3);
  const std::string remedies = ": use larger batches, drop the incomplete last batch, or freeze() the layer";
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, batch({1, 3}), Mode::training);
      }),
      "[batch_norm] expected more than one value per channel in training, found input [1,3]" + remedies);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, batch({1, 1, 1, 3}), Mode::training);
      }),
      "[batch_norm] expected more than one value per channel in training, found input [1,1,1,3]" + remedies);
  EXPECT_EQ(layer.num_batches_tracked.value().item(), 0);
  // One image has a value for each pixel.
  EXPECT_EQ(run(layer, batch({1, 2, 1, 3}), Mode::training).shape(), (Shape{1, 2, 1, 3}));
  EXPECT_EQ(run(layer, batch({1, 3}), Mode::evaluation).shape(), (Shape{1, 3}));

  nn::Sequential model;
  for (int i = 0; i < 3; ++i) model.add<nn::ReLU>();
  model.add<BatchNorm>(3);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(model, batch({1, 3}), Mode::training);
      }),
      "layer 3 (batch_norm): [batch_norm] expected more than one value per channel in training, found input "
      "[1,3]" +
          remedies);
}

TEST(BatchNormOptions, WithoutRunningStatisticsEvaluationUsesTheBatch) {
  BatchNorm layer(3, {.track_running_stats = false});
  const Tensor x = batch({5, 3});
  EXPECT_TRUE(same_bits(run(layer, x, Mode::evaluation).value(), run(layer, x, Mode::training).value()));
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, batch({1, 3}), Mode::evaluation);
            }),
            "[batch_norm] expected more than one value per channel where batch statistics are used, found "
            "input [1,3]: use larger batches, or a layer with running statistics");
  EXPECT_EQ(run(layer, batch({1, 2, 1, 3}), Mode::evaluation).shape(), (Shape{1, 2, 1, 3}));
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, batch({1, 3}), Mode::training);
            }),
            "[batch_norm] expected more than one value per channel in training, found input [1,3]: use "
            "larger batches, or drop the incomplete last batch");  // but not freeze(), which it refuses
  EXPECT_EQ(message_of([&] { layer.freeze(); }),
            "[batch_norm] only a layer with running statistics can be frozen");
  EXPECT_EQ(message_of([&] { layer.reset_running_stats(); }),
            "[batch_norm] there are no running statistics to reset");
}

TEST(BatchNormFreeze, KeepsStatisticsInBothModesAndStillTrainsGammaAndBeta) {
  BatchNorm layer(3);
  run(layer, batch({6, 3}), Mode::training);
  const Tensor mean = layer.running_mean.value().clone(), variance = layer.running_var.value().clone();
  layer.freeze();
  EXPECT_TRUE(layer.frozen());

  const Tensor x = batch({4, 3}, 2);
  const Tensor evaluated = run(layer, x, Mode::evaluation).value();
  const Variable y = run(layer, x, Mode::training);  // after evaluation: a switch of modes undoes nothing
  EXPECT_TRUE(same_bits(y.value(), evaluated));
  EXPECT_TRUE(same_bits(layer.running_mean.value(), mean));
  EXPECT_TRUE(same_bits(layer.running_var.value(), variance));
  EXPECT_EQ(layer.num_batches_tracked.value().item(), 1);
  EXPECT_EQ(run(layer, batch({1, 3}), Mode::training).shape(), (Shape{1, 3}));  // the remedy it is
  y.backward(Tensor::ones({4, 3}));
  EXPECT_EQ(layer.bias.grad().at({2}), 4);
  EXPECT_NE(layer.weight.grad().at({2}), 0);
}

TEST(BatchNormFreeze, SurvivesCloneAndCanBeUndone) {
  BatchNorm layer(3);
  layer.freeze();
  const auto copy = std::static_pointer_cast<BatchNorm>(layer.clone());
  EXPECT_TRUE(copy->frozen());
  copy->freeze(false);
  EXPECT_TRUE(layer.frozen());
  run(*copy, batch({6, 3}), Mode::training);
  run(layer, batch({6, 3}), Mode::training);
  EXPECT_EQ(copy->num_batches_tracked.value().item(), 1);
  EXPECT_EQ(layer.num_batches_tracked.value().item(), 0);
}

TEST(BatchNormOptions, ResetGoesBackToTheInitialStatistics) {
  BatchNorm layer(3,
                  {.momentum = nn::kCumulativeAverage, .initial_running_mean = 2, .initial_running_var = 5});
  const Tensor x = batch({6, 3});
  run(layer, x, Mode::training);
  const Tensor mean = layer.running_mean.value().clone(), gamma = layer.weight.value().clone();
  run(layer, batch({6, 3}, 2), Mode::training);
  layer.reset_running_stats();
  for (Index c = 0; c < 3; ++c) {
    EXPECT_EQ(layer.running_mean.value().at({c}), 2);
    EXPECT_EQ(layer.running_var.value().at({c}), 5);
  }
  EXPECT_TRUE(same_bits(layer.weight.value(), gamma));
  // The average starts over: after one batch it is that batch's.
  run(layer, x, Mode::training);
  EXPECT_EQ(layer.num_batches_tracked.value().item(), 1);
  EXPECT_TRUE(same_bits(layer.running_mean.value(), mean));
}

}  // namespace
}  // namespace keel
