#include "keel/nn/noisy_batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keel/nn/model_description.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::Mode;
using nn::NoisyBatchNorm;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

TEST(NoisyBatchNormLayer, IsASoundLayer) {
  for (const Shape& shape : {Shape{5, 3}, {2, 2, 3, 5}}) {
    EXPECT_TRUE(
        check_module([&](Rng&) { return std::make_shared<NoisyBatchNorm>(shape[-1]); },
                     {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}));
  }
}

// The noise of a channel, from its outputs and those of BatchNorm, and whether it is the same for all rows.
TEST(NoisyBatchNormLayer, EachChannelHasAScaleAndAShiftDrawnAnewForEachPass) {
  constexpr Index kChannels = 500;
  const Variable x(random_tensor({3, kChannels}));
  nn::BatchNorm plain(kChannels);
  NoisyBatchNorm noisy(kChannels);
  plain.to(DType::float64);
  noisy.to(DType::float64);
  Context context(Mode::training, Rng(1, Stream::dropout));
  const Tensor clean = plain(x, context).value();
  const Tensor first = noisy(x, context).value(), second = noisy(x, context).value();
  EXPECT_FALSE(same_bits(first, second));
  std::vector<double> scales, shifts;
  for (Index c = 0; c < kChannels; ++c) {
    const double scale = (first.at({1, c}) - first.at({0, c})) / (clean.at({1, c}) - clean.at({0, c}));
    const double shift = first.at({0, c}) - scale * clean.at({0, c});
    ASSERT_NEAR(first.at({2, c}), scale * clean.at({2, c}) + shift, 1e-9);
    scales.push_back(scale);
    shifts.push_back(shift);
  }
  const auto [least_scale, most_scale] = std::minmax_element(scales.begin(), scales.end());
  const auto [least_shift, most_shift] = std::minmax_element(shifts.begin(), shifts.end());
  // The extremes of 500 draws reach to within 5 % of the ends but once in 10^11.
  EXPECT_GT(*least_scale, 1 - 1e-9);
  EXPECT_LT(*least_scale, 1.0125);
  EXPECT_GT(*most_scale, 1.2375);
  EXPECT_LT(*most_scale, 1.25 + 1e-9);
  EXPECT_GT(*least_shift, -0.5 - 1e-9);
  EXPECT_LT(*least_shift, -0.45);
  EXPECT_GT(*most_shift, 0.45);
  EXPECT_LT(*most_shift, 0.5 + 1e-9);
}

TEST(NoisyBatchNormLayer, IsPlainInEvaluationAndWithoutNoise) {
  const Variable x(random_tensor({4, 3}, 1, DType::float32));
  nn::BatchNorm plain(3);
  NoisyBatchNorm noisy(3), silent(3, {.shift = 0, .max_scale = 1});
  Context training(Mode::training), evaluation(Mode::evaluation);
  const Tensor y = plain(x, training).value();
  EXPECT_FALSE(same_bits(noisy(x, training).value(), y));
  EXPECT_TRUE(same_bits(silent(x, training).value(), y));
  EXPECT_TRUE(same_bits(noisy(x, evaluation).value(), plain(x, evaluation).value()));
}

TEST(NoisyBatchNormLayer, ErrorsNameTheLayer) {
  EXPECT_EQ(message_of<ValueError>([] { NoisyBatchNorm(3, {.shift = -1}); }),
            "[noisy_batch_norm] expected shift >= 0, found -1");
  EXPECT_EQ(message_of<ValueError>([] { NoisyBatchNorm(3, {.max_scale = 0.5}); }),
            "[noisy_batch_norm] expected max_scale >= 1, found 0.5");
  NoisyBatchNorm layer(3);
  Context context(Mode::training);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        layer(Variable(Tensor::zeros({1, 3})), context);
      }),
      "layer norm (batch_norm): [batch_norm] expected more than one value per channel in training, found "
      "input [1,3]: use larger batches, drop the incomplete last batch, or freeze() the layer");
}

TEST(NoisyBatchNormLayer, CanBeDescribed) {
  const auto description = nn::ModelDescription::parse(
      R"({"input":[2],"classes":3,"layers":[{"layer":"noisy_batch_norm","shift":0.1,"max_scale":2},)"
      R"({"layer":"dense","units":"classes"}]})",
      "model.json");
  const auto model = description.build(Rng(1, Stream::initialization));
  EXPECT_EQ(model->named_parameters().at(0).name, "0.norm.weight");
}

}  // namespace
}  // namespace keel
