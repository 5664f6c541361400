// Group Normalization, and Instance Normalization, which has a group for each channel.
#include "keel/nn/group_norm.h"

#include <gtest/gtest.h>

#include "keel/nn/instance_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::GroupNorm;
using nn::InstanceNorm;
using nn::Mode;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Tensor run(nn::Module& layer, const Tensor& x) {
  Context context(Mode::training);
  return layer(Variable(x), context).value();
}

TEST(GroupNormLayer, IsASoundLayerOfAnyRank) {
  for (const Shape& shape : {Shape{3, 4}, {2, 3, 4}, {2, 2, 3, 4}}) {
    for (const Index groups : {1, 2}) {
      EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<GroupNorm>(groups, 4); },
                               {.input = random_tensor(shape), .output_shape = shape}))
          << shape.to_string() << ", groups " << groups;
    }
  }
  for (const bool scale : {false, true}) {
    for (const bool center : {false, true}) {
      const nn::GroupNormOptions options{.epsilon = 1e-2, .scale = scale, .center = center};
      EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<GroupNorm>(3, 6, options); },
                               {.input = random_tensor({3, 6}), .output_shape = {3, 6}}));
    }
  }
  EXPECT_EQ(GroupNorm(1, 2).kind(), "group_norm");
}

TEST(InstanceNormLayer, IsASoundLayerOfAnyRank) {
  for (const Shape& shape : {Shape{2, 3, 4}, {2, 2, 3, 4}}) {
    for (const bool affine : {false, true}) {
      const nn::InstanceNormOptions options{.epsilon = 1e-3, .affine = affine};
      EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<InstanceNorm>(4, options); },
                               {.input = random_tensor(shape), .output_shape = shape}))
          << shape.to_string();
    }
  }
  EXPECT_EQ(InstanceNorm(2).num_parameters(), 0);
  EXPECT_EQ(InstanceNorm(2).kind(), "instance_norm");
}

// Two positions of four channels, whose values are 0, 1, 4, 9, ... when they are read channel by channel.
TEST(GroupNormLayer, MatchesAWorkedExample) {
  const Tensor x = Tensor::from<double>({1, 2, 4}, {0, 4, 16, 36, 1, 9, 25, 49});
  GroupNorm layer(2, 4);
  layer.to(DType::float64);
  const Tensor y = run(layer, x);
  const double expected[] = {-0.99999959, 0.14285708, -1.25618335, 0.36469839,
                             -0.71428542, 1.57142793, -0.52678657, 1.41827153};
  for (Index i = 0; i < 8; ++i) EXPECT_NEAR(y.data<double>()[i], expected[i], 5e-9) << i;
  InstanceNorm instance(4);
  const Tensor pair = run(instance, x);
  EXPECT_NEAR(pair.at({0, 0, 0}), -0.99998, 5e-9);
  EXPECT_NEAR(pair.at({0, 1, 0}), 0.99998, 5e-9);
}

TEST(GroupNormLayer, WithAGroupForEachChannelIsInstanceNorm) {
  GroupNorm group(6, 6);
  InstanceNorm instance(6, {.affine = true}), plain(6);
  const Tensor x = random_tensor({3, 4, 5, 6}, 1, DType::float32);
  EXPECT_TRUE(same_bits(run(group, x), run(instance, x)));
  EXPECT_TRUE(same_bits(run(group, x), run(plain, x)));
}

TEST(GroupNormLayer, DefaultGroupsDivideTheChannelsAndLeaveTwoInEach) {
  const Index expected[][2] = {{1, 1},   {2, 1},   {3, 1},    {4, 2},    {10, 5},
                               {32, 16}, {64, 32}, {100, 25}, {256, 32}, {97, 1}};
  for (const auto& [channels, groups] : expected) EXPECT_EQ(nn::default_groups(channels), groups) << channels;
}

TEST(GroupNormLayer, SaysWhatDoesNotFit) {
  EXPECT_EQ(message_of<ValueError>([] { GroupNorm(3, 32); }),
            "[group_norm] expected a number of groups that divides the 32 channels, found 3");
  EXPECT_EQ(message_of<ValueError>([] { GroupNorm(0, 32); }),
            "[group_norm] expected a number of groups that divides the 32 channels, found 0");
  EXPECT_EQ(message_of<ValueError>([] { GroupNorm(1, 0); }),
            "[group_norm] expected at least 1 channel, found 0");
  EXPECT_EQ(message_of<ValueError>([] { GroupNorm(1, 2, {.epsilon = -1}); }),
            "[group_norm] expected epsilon > 0, found -1");
  GroupNorm layer(2, 4), single(4, 4);
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Tensor::zeros({4, 2}));
            }),
            "[group_norm] expected an input [...,4], found [4,2]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              run(layer, random_tensor({4, 4}));
            }),
            "[group_norm] expected float32 elements as in the layer, found float64");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(single, Tensor::zeros({5, 4}));
      }),
      "[group_norm] expected more than one value in a group, found input [5,4] and 4 groups: the result "
      "would be beta whatever the input");
}

TEST(InstanceNormLayer, OnePositionIsAnErrorByName) {
  InstanceNorm layer(4);
  const std::string message =
      ": the layer would give beta for every input; use layer_norm or group_norm here";
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, Tensor::zeros({5, 4}));
            }),
            "[instance_norm] expected more than one position per channel, found input [5,4]" + message);
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, Tensor::zeros({5, 1, 1, 4}));
            }),
            "[instance_norm] expected more than one position per channel, found input [5,1,1,4]" + message);
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Tensor::zeros({5, 3, 2}));
            }),
            "[instance_norm] expected an input [...,4], found [5,3,2]");
}

}  // namespace
}  // namespace keel
