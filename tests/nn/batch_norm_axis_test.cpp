// The BatchNorm layer with channels in other axes, and with a mask.
#include <gtest/gtest.h>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_layer_norm.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/batch_renorm.h"
#include "keel/nn/dense.h"
#include "keel/nn/flatten.h"
#include "keel/nn/full_norm.h"
#include "keel/nn/group_norm.h"
#include "keel/nn/instance_norm.h"
#include "keel/nn/layer_norm.h"
#include "keel/nn/lstm.h"
#include "keel/nn/mean_only_batch_norm.h"
#include "keel/nn/model_description.h"
#include "keel/nn/rms_norm.h"
#include "keel/nn/sequential.h"
#include "keel/nn/weight_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchNorm;
using nn::Mode;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Tensor run(nn::Module& layer, const Tensor& x, Mode mode = Mode::training, const Tensor& mask = {}) {
  nn::Context context(mode);
  context.set_mask(mask);
  return layer(Variable(x), context).value();
}

TEST(BatchNormAxis, IsASoundLayerForEveryAxis) {
  const Shape shape{3, 4, 2, 5};
  for (int axis = -4; axis < 4; ++axis) {
    const auto make = [&](Rng&) {
      return std::make_shared<BatchNorm>(shape[axis], nn::BatchNormOptions{.axis = axis});
    };
    EXPECT_TRUE(check_module(
        make, {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}))
        << axis;
  }
}

TEST(BatchNormAxis, IsTheLastAxisOfAnInputTurnedRoundBitForBit) {
  const Tensor x = random_tensor({3, 4, 2}, 1, DType::float32);
  BatchNorm channels_second(4, {.axis = 1}), from_the_end(4, {.axis = -2}), channels_last(4);
  const Tensor y = run(channels_second, x);
  const Tensor turned =
      transpose(run(channels_last, transpose(x, std::vector{0, 2, 1})), std::vector{0, 2, 1});
  EXPECT_TRUE(same_bits(y, turned));
  EXPECT_TRUE(same_bits(run(from_the_end, x), turned));
  EXPECT_TRUE(same_bits(channels_second.running_mean.value(), channels_last.running_mean.value()));
  EXPECT_TRUE(same_bits(channels_second.running_var.value(), channels_last.running_var.value()));
  EXPECT_EQ(channels_second.pytorch_layout().no_equivalent, "its channels are not in the last axis");
}

TEST(BatchNormAxis, SaysWhatDoesNotFit) {
  BatchNorm layer(4, {.axis = 1});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, random_tensor({3, 5, 2}, 1, DType::float32));
            }),
            "[batch_norm] expected an input with 4 channels in axis 1, found [3,5,2]");
  BatchNorm third(4, {.axis = 3});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(third, random_tensor({3, 4}, 1, DType::float32));
            }),
            "[batch_norm] expected an input with 4 channels in axis 3, found [3,4]");
}

std::shared_ptr<nn::Sequential> build(const std::string& layer) {
  return nn::ModelDescription::parse(fmt::format(R"({{"layers": [{}, {{"layer": "flatten"}},
                                                     {{"layer": "dense", "units": 2}}]}})",
                                                 layer),
                                     "model.json")
      .build({4, 5, 3}, 2, Rng(1, Stream::initialization));
}

TEST(BatchNormAxis, IsDescribed) {
  const auto channels = [](int axis) {
    return build(fmt::format(R"({{"layer": "batch_norm", "axis": {}}})", axis))
        ->named_parameters()[0]
        .variable.shape();
  };
  EXPECT_EQ(channels(1), Shape{4});
  EXPECT_EQ(channels(2), Shape{5});
  EXPECT_EQ(channels(3), Shape{3});
  EXPECT_EQ(channels(-1), Shape{3});
  EXPECT_EQ(channels(-3), Shape{4});
  for (const int axis : {0, 4, -4}) {
    EXPECT_EQ(message_of<ShapeError>([&] { channels(axis); }),
              fmt::format("model.json for inputs [4,5,3]: layers[0] (batch_norm): expected an axis of each "
                          "example [4,5,3], found axis {}",
                          axis));
  }
}

TEST(BatchNormMask, GivesTheRunningStatisticsOfTheRowsThatCount) {
  const Tensor x = random_tensor({2, 3, 4}, 1, DType::float32);
  const Tensor mask = Tensor::from<std::uint8_t>({2, 3}, {1, 1, 0, 1, 0, 0});
  BatchNorm padded(4), alone(4);
  const Tensor y = run(padded, x, Mode::training, mask);
  const Tensor rows = gather_rows(x.reshape({6, 4}), std::vector<std::int32_t>{0, 1, 3});
  run(alone, rows);
  EXPECT_TRUE(same_bits(padded.running_mean.value(), alone.running_mean.value()));
  EXPECT_TRUE(same_bits(padded.running_var.value(), alone.running_var.value()));
  EXPECT_FALSE(same_bits(y, run(padded, x))) << "without the mask";
  // The same with the channels in the middle.
  BatchNorm turned(4, {.axis = 1});
  EXPECT_TRUE(same_bits(
      transpose(run(turned, transpose(x, std::vector{0, 2, 1}), Mode::training, mask), std::vector{0, 2, 1}),
      y));
}

TEST(BatchNormMask, DoesNotMatterInEvaluation) {
  const Tensor x = random_tensor({2, 3, 4}, 1, DType::float32);
  BatchNorm layer(4);
  EXPECT_TRUE(
      same_bits(run(layer, x, Mode::evaluation), run(layer, x, Mode::evaluation, Tensor::zeros({2}))));
}

TEST(BatchNormMask, SaysWhatIsWrongAndLeavesTheStatisticsAlone) {
  const Tensor x = random_tensor({2, 3, 4}, 1, DType::float32);
  BatchNorm layer(4);
  EXPECT_EQ(message_of<ValueError>([&] { run(layer, x, Mode::training, Tensor::zeros({2})); }),
            "[batch_norm] the mask [2] leaves no row of the input [2,3,4]");
  EXPECT_EQ(message_of<ShapeError>([&] { run(layer, x, Mode::training, Tensor::ones({3})); }),
            "[batch_norm] input [2,3,4] expects a mask of its leading axes without the last, found [3]");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, x, Mode::training, Tensor::from<float>({2, 3}, {0, 0, 1, 0, 0, 0}));
      }),
      "[batch_norm] expected more than one value per channel, found input [2,3,4] and a mask that leaves "
      "1: use larger batches, drop the incomplete last batch, or freeze() the layer");
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
}

TEST(BatchNormMask, LayersThatCannotUseItSaySo) {
  const Tensor x = random_tensor({6, 4}, 1, DType::float32), mask = Tensor::ones({6});
  nn::BatchRenorm renorm(4);
  nn::FullNorm full(4);
  nn::MeanOnlyBatchNorm mean_only(4);
  nn::BatchLayerNorm batch_layer(Shape{4}, {});
  for (nn::Module* layer : std::initializer_list<nn::Module*>{&renorm, &full, &mean_only, &batch_layer}) {
    EXPECT_EQ(message_of<ValueError>([&] { run(*layer, x, Mode::training, mask); }),
              fmt::format(
                  "[{}] expected no mask, as statistics of some of the rows are not supported, found one [6]",
                  layer->kind()));
  }
}

TEST(Mask, OfStepsIsRefusedByLayersThatNormaliseOverThem) {
  const Tensor x = random_tensor({2, 3, 4}, 1, DType::float32), mask = Tensor::ones({2, 3});
  nn::GroupNorm group(2, 4);
  nn::InstanceNorm instance(4);
  nn::LayerNorm layer(Shape{3, 4});
  nn::RMSNorm rms(Shape{3, 4});
  for (nn::Module* each : std::initializer_list<nn::Module*>{&group, &instance, &layer, &rms}) {
    EXPECT_EQ(
        message_of<ValueError>([&] { run(*each, x, Mode::training, mask); }),
        fmt::format(
            "[{}] expected no mask, as statistics of some of the rows are not supported, found one [2,3]",
            each->kind()));
    // What is per example has nothing to do with other examples.
    EXPECT_TRUE(same_bits(run(*each, x, Mode::training, Tensor::ones({2})), run(*each, x)));
  }
  nn::LayerNorm of_channels(4);
  EXPECT_TRUE(same_bits(run(of_channels, x, Mode::training, mask), run(of_channels, x)));

  Rng rng(1, Stream::initialization);
  nn::WeightNorm weight_norm(nn::Dense(4, 2, rng));
  EXPECT_EQ(
      message_of<ValueError>([&] { run(weight_norm, x, Mode::training, mask); }),
      "[weight_norm] expected no mask, as statistics of some of the rows are not supported, found one [2,3]");
  run(weight_norm, x);
  run(weight_norm, x, Mode::training, mask);  // after the first batch there are no statistics
}

TEST(Mask, OfStepsDoesNotOutliveThem) {
  const Tensor x = random_tensor({2, 3, 4}, 1, DType::float32), mask = Tensor::ones({2, 3});
  Rng rng(1, Stream::initialization);
  nn::Sequential last, all, flat;
  last.add<nn::LSTM>(4, 5, rng);
  all.add<nn::LSTM>(4, 5, rng, nn::RecurrentOptions{.return_sequences = true});
  all.add<nn::BatchNorm>(5);
  flat.add<nn::Flatten>();
  EXPECT_EQ(message_of<ValueError>([&] { run(last, x, Mode::training, mask); }),
            "layer 0 (lstm): [lstm] made [2,5] of [2,3,4], without the steps that the mask [2,3] is of: run "
            "what comes then in a context of its own");
  EXPECT_TRUE(message_of<ValueError>([&] {
                run(flat, x, Mode::training, mask);
              }).starts_with("layer 0 (flatten): [flatten] made [2,12] of [2,3,4], "));
  run(all, x, Mode::training, mask);
  run(flat, x, Mode::training, Tensor::ones({2}));
  run(flat, x, Mode::evaluation, mask);
}

}  // namespace
}  // namespace keel
