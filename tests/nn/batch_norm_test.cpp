// What the layer computes, and the running statistics it keeps. Options and errors:
// batch_norm_options_test.cpp.
#include "keel/nn/batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/nn/activation.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/models.h"
#include "keel/nn/pool2d.h"
#include "keel/nn/sequential.h"
#include "support/check_module.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchNorm;
using nn::BatchNormOptions;
using nn::Context;
using nn::Mode;
using testing::check_module;
using testing::expect_near;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

// Few rows, where the terms of the gradient that are of order 1 / rows weigh as much as the first.
TEST(BatchNormLayer, IsASoundLayerOfAnyRank) {
  for (const Shape& shape : {Shape{5, 3}, {2, 4, 3}, {2, 2, 3, 5}, {2, 1, 3, 2, 4}}) {
    const auto make = [&](Rng&) { return std::make_shared<BatchNorm>(shape[-1]); };
    EXPECT_TRUE(check_module(
        make, {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}))
        << shape.to_string();
  }
}

TEST(BatchNormLayer, IsASoundLayerWithEveryCombinationOfOptions) {
  for (const bool scale : {false, true}) {
    for (const bool center : {false, true}) {
      for (const bool track : {false, true}) {
        for (const std::optional<double>& momentum : {std::optional(0.3), nn::kCumulativeAverage}) {
          const BatchNormOptions options{.epsilon = 1e-2,
                                         .momentum = momentum,
                                         .scale = scale,
                                         .center = center,
                                         .track_running_stats = track};
          EXPECT_TRUE(check_module(
              [&](Rng&) { return std::make_shared<BatchNorm>(3, options); },
              {.input = random_tensor({4, 3}), .output_shape = {4, 3}, .differs_in_training = track}))
              << "scale " << scale << ", center " << center << ", track_running_stats " << track
              << ", momentum " << momentum.value_or(-1);
        }
      }
    }
  }
}

TEST(BatchNormLayer, AFrozenLayerIsSoundAndTheSameInBothModes) {
  const auto make = [](Rng&) {
    auto layer = std::make_shared<BatchNorm>(3);
    run(*layer, Variable(random_tensor({6, 3}, 9, DType::float32)), Mode::training);
    layer->freeze();
    return layer;
  };
  // All that is checked of it is trained: gamma and beta. Its running statistics stay what they are.
  EXPECT_TRUE(check_module(make, {.input = random_tensor({4, 3}), .output_shape = {4, 3}}));
}

// The example of an often-asked question: is it the biased or the unbiased variance? Four sequences of four
// steps, x[n,l,c] = 1 + n + l + 4c: sixteen values a channel, mean 4 + 4c, variance 5/2, or 8/3 unbiased.
TEST(BatchNormLayer, TheBiasedVarianceNormalisesAndTheUnbiasedOneIsKept) {
  Tensor x = Tensor::empty({4, 4, 3}, DType::float64);
  for (Index i = 0; i < x.numel(); ++i) {
    x.data<double>()[i] = static_cast<double>(1 + i / 12 + i / 3 % 4 + 4 * (i % 3));
  }
  BatchNorm layer(3);
  layer.to(DType::float64);
  const Tensor y = run(layer, Variable(x), Mode::training).value();
  for (Index i = 0; i < x.numel(); ++i) {
    const double centred = static_cast<double>(i / 12 + i / 3 % 4) - 3;
    ASSERT_NEAR(y.data<double>()[i], centred / std::sqrt(2.5 + 1e-5), 1e-14);
  }
  EXPECT_NEAR(y.at({0, 0, 0}), -1.8974, 5e-5);  // as published, to the digits published
  expect_near(layer.running_mean.value(), {0.4, 0.8, 1.2}, 1e-15);
  expect_near(layer.running_var.value(), {7.0 / 6, 7.0 / 6, 7.0 / 6}, 1e-15);  // 1.1667; 1.15 if biased
}

// One training step worked by hand in other frameworks, in their conventions.
struct Example {
  Tensor x = Tensor::from<double>({4, 2}, {1, -2, 2, 0, 3, 4, 6, 2});
  Tensor dy = Tensor::from<double>({4, 2}, {0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8});

  static std::shared_ptr<BatchNorm> layer(const BatchNormOptions& options = {}) {
    auto made = std::make_shared<BatchNorm>(2, options);
    made->to(DType::float64);
    made->weight.set_value(Tensor::from<double>({2}, {2, 0.5}));
    made->bias.set_value(Tensor::from<double>({2}, {-1, 1}));
    return made;
  }
};

constexpr double kEightDigits = 5e-9;  // the numbers below are rounded to eight decimals

TEST(BatchNormLayer, MatchesPyTorchOnAWorkedExample) {
  const Example example;
  const auto layer = Example::layer(BatchNormOptions::pytorch());
  const Variable x(example.x, true);
  const Variable y = run(*layer, x, Mode::training);
  expect_near(y.value().rows(0, 1), {-3.13808688, 0.32918028}, kEightDigits);
  y.backward(example.dy);
  expect_near(x.grad().rows(0, 1), {0.17562761, -0.06708184}, kEightDigits);
  expect_near(x.grad().rows(3, 4), {-0.02290663, 0.15652456}, kEightDigits);
  expect_near(layer->weight.grad(), {1.17594778, -0.89442630}, kEightDigits);
  expect_near(layer->bias.grad(), {1, 0.8}, 1e-15);
  expect_near(layer->running_mean.value(), {0.3, 0.1}, 1e-15);
  expect_near(layer->running_var.value(), {1.36666667, 1.56666667}, kEightDigits);
  EXPECT_EQ(layer->num_batches_tracked.value().item(), 1);
  expect_near(run(*layer, x, Mode::evaluation).value().rows(0, 1), {0.19755411, 0.16112044}, kEightDigits);
}

// Keras's defaults on the same batch. Keras keeps the biased variances 3.5 and 5: (1.025, 1.04). Here the
// unbiased ones are kept, 4/3 of those, whatever the preset.
TEST(BatchNormLayer, MatchesKerasOnAWorkedExampleButForTheUnbiasedVariance) {
  const Example example;
  const auto layer = Example::layer(BatchNormOptions::keras());
  const Tensor y = run(*layer, Variable(example.x), Mode::training).value();
  expect_near(y.rows(0, 1), {-1 - 4 / std::sqrt(3.5 + 1e-3), 1 - 1.5 / std::sqrt(5 + 1e-3)}, 1e-15);
  expect_near(layer->running_mean.value(), {0.03, 0.01}, 1e-15);
  const double biased[] = {1.025, 1.04};
  const double unbiased = 4.0 / 3;
  expect_near(layer->running_var.value(),
              {0.99 + (biased[0] - 0.99) * unbiased, 0.99 + (biased[1] - 0.99) * unbiased}, 1e-15);
}

// running = (1 - momentum) running + momentum batch, batch after batch.
TEST(BatchNormLayer, RunningStatisticsForgetByMomentumOrAverage) {
  const std::vector<Tensor> batches = {random_tensor({6, 2}, 1), random_tensor({9, 2}, 2),
                                       random_tensor({4, 2}, 3)};
  for (const std::optional<double>& momentum :
       {std::optional(0.0), std::optional(0.25), std::optional(1.0), nn::kCumulativeAverage}) {
    BatchNorm layer(2, {.momentum = momentum});
    layer.to(DType::float64);
    std::array<double, 2> mean = {0, 0}, variance = {1, 1};
    for (std::size_t step = 0; step < batches.size(); ++step) {
      run(layer, Variable(batches[step]), Mode::training);
      const double weight = momentum.value_or(1 / static_cast<double>(step + 1));
      const Index rows = batches[step].size(0);
      for (Index c = 0; c < 2; ++c) {
        double sum = 0, squares = 0;
        for (Index r = 0; r < rows; ++r) sum += batches[step].at({r, c});
        const double batch_mean = sum / static_cast<double>(rows);
        for (Index r = 0; r < rows; ++r) squares += std::pow(batches[step].at({r, c}) - batch_mean, 2);
        double& running_mean = mean[static_cast<std::size_t>(c)];
        double& running_var = variance[static_cast<std::size_t>(c)];
        running_mean += weight * (batch_mean - running_mean);
        running_var += weight * (squares / static_cast<double>(rows - 1) - running_var);
      }
      expect_near(layer.running_mean.value(), {mean[0], mean[1]}, 1e-14);
      expect_near(layer.running_var.value(), {variance[0], variance[1]}, 1e-14);
      EXPECT_EQ(layer.num_batches_tracked.value().item(), static_cast<double>(step + 1));
    }
  }
}

TEST(BatchNormLayer, EvaluationUsesAndKeepsTheRunningStatistics) {
  BatchNorm layer(2, {.epsilon = 0.5, .initial_running_mean = 3, .initial_running_var = 3.5});
  const Variable x(Tensor::from<float>({1, 2}, {5, -1}));
  expect_near(run(layer, x, Mode::evaluation).value(), {1, -2}, 1e-7);
  expect_near(layer.running_mean.value(), {3, 3}, 0);
  expect_near(layer.running_var.value(), {3.5, 3.5}, 0);
  EXPECT_EQ(layer.num_batches_tracked.value().item(), 0);
  EXPECT_EQ(run(layer, Variable(Tensor::zeros({0, 2})), Mode::evaluation).shape(), (Shape{0, 2}));
}

// The largest difference between the outputs for some examples of a batch of 256 and for each of them alone.
double dependence_on_company(nn::Module& model, const Shape& image) {
  const Tensor batch = random_tensor({256, image[0], image[1], image[2]}, 4, DType::float32);
  run(model, Variable(batch.rows(0, 32).clone()), Mode::training);
  const Tensor together = run(model, Variable(batch), Mode::evaluation).value();
  double largest = 0;
  for (const Index i : {0, 1, 100, 255}) {
    const Tensor alone = run(model, Variable(batch.rows(i, i + 1).clone()), Mode::evaluation).value();
    const Tensor difference = subtract(alone, together.rows(i, i + 1));
    for (const float each : difference.values<float>()) {
      largest = std::max(largest, static_cast<double>(std::abs(each)));
    }
  }
  return largest;
}

TEST(BatchNormLayer, EvaluationGivesAnExampleTheSameBitsAloneAndInABatch) {
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Conv2d>(3, 17, 3, rng, nn::Conv2dLayerOptions{.convolution = {.padding = 1}});
  model.add<BatchNorm>(17);
  model.add<nn::ReLU>();
  model.add<nn::MaxPool2d>();
  model.add<BatchNorm>(17);
  model.add<nn::GlobalAvgPool2d>();
  EXPECT_EQ(dependence_on_company(model, {5, 7, 3}), 0);
}

// Dense layers use the BLAS, which may sum in another order when the matrix has another number of rows. The
// logits are sums of 784 and 128 terms of order one or less, with a rounding error of 6e-8 each.
TEST(BatchNormLayer, EvaluationGivesAnExampleTheSameLogitsAloneAndInABatch) {
  const Rng rng(1, Stream::initialization);
  EXPECT_LT(dependence_on_company(*nn::mlp(rng, {.batch_norm = true}), {28, 28, 1}), 2e-6);
  const nn::ClassifierOptions small{.input = {5, 7, 3}, .batch_norm = true};
  EXPECT_LT(dependence_on_company(*nn::cnn(rng, small), small.input), 2e-6);
}

TEST(BatchNormLayer, ALargeMeanDoesNotDrownASmallDeviation) {
  constexpr Index kRows = 500;
  Tensor x = random_tensor({kRows, 2}, 6);
  for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = 1e4 + 0.1 * x.data<double>()[i];
  x = x.to(DType::float32);
  BatchNorm layer(2, {.momentum = 1}), exact(2, {.momentum = 1});
  exact.to(DType::float64);
  const Tensor y = run(layer, Variable(x), Mode::training).value();
  const Tensor y_exact = run(exact, Variable(x.to(DType::float64)), Mode::training).value();
  for (Index i = 0; i < y.numel(); ++i) {
    ASSERT_NEAR(y.data<float>()[i], y_exact.data<double>()[i], 1e-5);
  }
  for (Index c = 0; c < 2; ++c) {
    EXPECT_NEAR(layer.running_var.value().at({c}) / 0.01, 1, 0.2);  // 500 draws give it to 6 %
    EXPECT_NEAR(layer.running_var.value().at({c}) / exact.running_var.value().at({c}), 1, 1e-5);
  }
}

TEST(BatchNormLayer, AConstantChannelGivesExactlyBetaAndTeachesGammaNothing) {
  BatchNorm layer(2, {.initial_gamma = 3, .initial_beta = -0.7});
  Tensor values = random_tensor({7, 2}, 1, DType::float32);
  for (Index r = 0; r < 7; ++r) values.data<float>()[2 * r + 1] = 0.1F;
  const Variable x(values, true);
  const Variable y = run(layer, x, Mode::training);
  for (Index r = 0; r < 7; ++r) EXPECT_EQ(y.value().at({r, 1}), static_cast<double>(-0.7F));
  y.backward(random_tensor({7, 2}, 2, DType::float32));
  EXPECT_EQ(layer.weight.grad().at({1}), 0);
  EXPECT_EQ(layer.running_var.value().at({1}), static_cast<double>(0.9F));
}

// In a Sequential the layer takes over the ReLU behind it, which must change nothing: in training, evaluation
// and frozen, for values, gradients and running statistics.
TEST(BatchNormLayer, AReluBehindItIsTakenOverBitForBit) {
  for (const bool frozen : {false, true}) {
    for (const Mode mode : {Mode::training, Mode::evaluation}) {
      const auto results = [&](bool together) {
        nn::Sequential model;
        BatchNorm& norm =
            model.add<BatchNorm>(5, BatchNormOptions{.initial_gamma = -1.5, .initial_beta = 0.25});
        model.add<nn::ReLU>();
        if (frozen) norm.freeze();
        const Variable x(random_tensor({3, 4, 5}, 1, DType::float32), true);
        Context context(mode);
        const Variable y = together ? model(x, context) : relu(norm(x, context));
        y.backward(random_tensor({3, 4, 5}, 2, DType::float32));
        return std::vector<Tensor>{y.value(),
                                   x.grad(),
                                   norm.weight.grad(),
                                   norm.bias.grad(),
                                   norm.running_mean.value(),
                                   norm.running_var.value()};
      };
      const std::vector<Tensor> together = results(true), apart = results(false);
      for (std::size_t i = 0; i < apart.size(); ++i) EXPECT_TRUE(same_bits(together[i], apart[i])) << i;
    }
  }
  BatchNorm norm(5);
  Context context(Mode::training);
  EXPECT_TRUE(norm.forward_activated(Variable(Tensor::zeros({3, 5})), Activation::relu, context).has_value());
}

// The bias shifts the mean that is taken off again (section 3.2 of the paper).
TEST(BatchNormLayer, ABiasInFrontOfItHasNoGradientInTraining) {
  const auto make = [](Rng& rng) {
    auto model = std::make_shared<nn::Sequential>();
    model->add<nn::Dense>(3, 4, rng);
    model->add<BatchNorm>(4);
    return model;
  };
  EXPECT_TRUE(check_module(make, {.input = random_tensor({5, 3}),
                                  .output_shape = {5, 4},
                                  .differs_in_training = true,
                                  .zero_gradients_in_training = {"0.bias"}}));
}

// Section 3.3 of the paper: BN((aW)u) = BN(Wu), and the gradient of the scaled weight is 1/a of the other. It
// holds without epsilon, which is small against the variances here.
TEST(BatchNormLayer, TheScaleOfTheWeightsInFrontOfItDoesNotMatter) {
  constexpr double kScale = 8;
  Rng rng(1, Stream::initialization);
  const Variable u(random_tensor({6, 3}), true);
  const Tensor dy = random_tensor({6, 4}, 2);
  nn::Dense plain(3, 4, rng, {.bias = false});
  plain.to(DType::float64);
  const auto scaled = std::static_pointer_cast<nn::Dense>(plain.clone());
  Tensor& weights = scaled->weight.mutable_value();
  for (Index i = 0; i < weights.numel(); ++i) weights.data<double>()[i] *= kScale;

  BatchNorm norm(4, {.epsilon = 1e-13});
  norm.to(DType::float64);
  const Variable y = run(norm, run(plain, u, Mode::training), Mode::training);
  y.backward(dy);
  const Tensor du = u.grad().clone();
  Variable(u).clear_grad();
  const Variable y_scaled = run(norm, run(*scaled, u, Mode::training), Mode::training);
  y_scaled.backward(dy);

  const Tensor& dweight = plain.weight.grad();
  for (Index i = 0; i < y.value().numel(); ++i) {
    EXPECT_NEAR(y_scaled.value().data<double>()[i], y.value().data<double>()[i], 1e-11);
  }
  for (Index i = 0; i < dweight.numel(); ++i) {
    EXPECT_NEAR(scaled->weight.grad().data<double>()[i] * kScale, dweight.data<double>()[i], 1e-10);
  }
  for (Index i = 0; i < du.numel(); ++i) {
    EXPECT_NEAR(u.grad().data<double>()[i], du.data<double>()[i], 1e-10);
  }
}

}  // namespace
}  // namespace keel
