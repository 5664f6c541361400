#include "keel/nn/timestep_batch_norm.h"

#include <gtest/gtest.h>

#include "keel/core/tensor_ops.h"
#include "keel/nn/lstm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchNorm;
using nn::BatchNormOptions;
using nn::Context;
using nn::Mode;
using nn::TimestepBatchNorm;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

// x[:, t, :]
Tensor step(const Tensor& x, Index t) { return slice(x, 1, t, t + 1).reshape({x.size(0), x.size(2)}); }

TEST(TimestepBatchNormLayer, IsASoundLayer) {
  for (const bool affine : {true, false}) {
    const BatchNormOptions options = {.scale = affine, .center = affine};
    EXPECT_TRUE(check_module(
        [&](Rng&) { return std::make_shared<TimestepBatchNorm>(2, 3, options); },
        {.input = random_tensor({5, 4, 3}), .output_shape = {5, 4, 3}, .differs_in_training = true}));
  }
}

// Over all steps at once and one by one, in both modes, it is a BatchNorm for each step.
TEST(TimestepBatchNormLayer, IsABatchNormForEachStep) {
  const BatchNormOptions options = {.momentum = 0.3, .initial_gamma = 0.5, .initial_beta = -1};
  TimestepBatchNorm whole(3, 2, options), stepwise(3, 2, options);
  std::vector<BatchNorm> norms;
  for (Index t = 0; t < 3; ++t) norms.emplace_back(2, options);
  for (const Mode mode : {Mode::training, Mode::training, Mode::evaluation}) {
    const Tensor x =
        random_tensor({6, 3, 2}, norms[0].running_mean.value().at({0}) == 0 ? 1 : 2, DType::float32);
    const Tensor y = run(whole, Variable(x), mode).value();
    for (Index t = 0; t < 3; ++t) {
      Context context(mode);
      const Tensor expected = run(norms[static_cast<std::size_t>(t)], Variable(step(x, t)), mode).value();
      EXPECT_TRUE(same_bits(step(y, t), expected)) << t;
      EXPECT_TRUE(same_bits(stepwise.at(Variable(step(x, t)), t, context).value(), expected)) << t;
    }
  }
  for (Index t = 0; t < 3; ++t) {
    const BatchNorm& norm = norms[static_cast<std::size_t>(t)];
    for (Index c = 0; c < 2; ++c) {
      EXPECT_FLOAT_EQ(static_cast<float>(whole.running_mean.value().at({t, c})),
                      static_cast<float>(norm.running_mean.value().at({c})));
      EXPECT_FLOAT_EQ(static_cast<float>(whole.running_var.value().at({t, c})),
                      static_cast<float>(norm.running_var.value().at({c})));
    }
    EXPECT_EQ(whole.num_batches_tracked.value().at({t}), 2);
  }
  EXPECT_TRUE(same_bits(whole.running_mean.value(), stepwise.running_mean.value()));
  EXPECT_TRUE(same_bits(whole.running_var.value(), stepwise.running_var.value()));
}

TEST(TimestepBatchNormLayer, StepsBeyondTheLastThatWasSeenUseItsStatistics) {
  const Tensor x = random_tensor({6, 5, 2}, 3, DType::float32);
  // Three rows of statistics; training sees two steps, or more than three.
  for (const Index seen : {2, 5}) {
    TimestepBatchNorm layer(3, 2, {.momentum = 1});
    run(layer, Variable(slice(x, 1, 0, seen)), Mode::training);
    EXPECT_EQ(layer.num_batches_tracked.value().at({2}), seen > 2 ? 1 : 0);
    const Tensor y = run(layer, Variable(x), Mode::evaluation).value();
    const Index last = std::min<Index>(seen, 3) - 1;
    for (Index t = 0; t < 5; ++t) {
      const Index row = std::min(t, last);
      for (Index c = 0; c < 2; ++c) {
        const double mean = layer.running_mean.value().at({row, c});
        const double variance = layer.running_var.value().at({row, c});
        EXPECT_NEAR(y.at({0, t, c}), (x.at({0, t, c}) - mean) / std::sqrt(variance + 1e-5), 1e-6);
      }
    }
  }
}

TEST(TimestepBatchNormLayer, TheCumulativeAverageCountsEachStepByItself) {
  TimestepBatchNorm layer(2, 1, {.momentum = nn::kCumulativeAverage});
  const auto batch = [](float a, float b) {  // of two sequences of one or two steps, of mean a and b
    return a == b ? Tensor::from<float>({2, 1, 1}, {a - 1, a + 1})
                  : Tensor::from<float>({2, 2, 1}, {a - 1, b - 1, a + 1, b + 1});
  };
  run(layer, Variable(batch(4, 8)), Mode::training);
  run(layer, Variable(batch(1, 1)), Mode::training);
  EXPECT_EQ(layer.running_mean.value().at({0, 0}), 2.5);
  EXPECT_EQ(layer.running_mean.value().at({1, 0}), 8);
  EXPECT_EQ(layer.running_var.value().at({0, 0}), 2);  // unbiased
}

TEST(TimestepBatchNormLayer, RejectsWhatDoesNotFit) {
  TimestepBatchNorm layer(2, 3);
  EXPECT_EQ(message_of<ValueError>([] { TimestepBatchNorm(0, 3); }),
            "[timestep_batch_norm] expected at least 1 timestep, found 0");
  EXPECT_EQ(message_of<ValueError>([] { TimestepBatchNorm(2, 3, {.track_running_stats = false}); }),
            "[timestep_batch_norm] expected running statistics, which evaluation needs");
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 3})), Mode::training);
            }),
            "[timestep_batch_norm] expected sequences [N,T,3] of at least one step, found [4,3]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 2, 3}, DType::float64)), Mode::training);
            }),
            "[timestep_batch_norm] expected float32 elements as in the layer, found float64");
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, Variable(Tensor::zeros({1, 2, 3})), Mode::training);
            }),
            "[timestep_batch_norm] expected more than one example in training, found 1: use larger batches, "
            "or drop the incomplete last batch");
}

// Alone, and as the norm of a recurrent layer.
TEST(TimestepBatchNormLayer, RefusesAMaskByName) {
  Context context(Mode::training);
  context.set_mask(Tensor::ones({4, 2}));
  const Variable x(random_tensor({4, 2, 3}, 1, DType::float32));
  TimestepBatchNorm layer(2, 3);
  const std::string message =
      "[timestep_batch_norm] expected no mask, as statistics of some of the rows are not supported, found "
      "one [4,2]";
  EXPECT_EQ(message_of<ValueError>([&] { layer(x, context); }), message);
  EXPECT_EQ(layer.num_batches_tracked.value().at({0}), 0);
  Rng rng(1, Stream::initialization);
  nn::LSTM lstm(3, 5, rng, {.norm = nn::RecurrentNorm::batch, .timesteps = 2});
  EXPECT_EQ(message_of<ValueError>([&] { lstm(x, context); }),
            "layer norm_ih (timestep_batch_norm): " + message);
}

}  // namespace
}  // namespace keel
