// Layer Normalization, and RMS normalisation, which is the same without the mean.
#include "keel/nn/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/group_norm.h"
#include "keel/nn/rms_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::LayerNorm;
using nn::Mode;
using nn::RMSNorm;
using testing::check_module;
using testing::expect_near;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Tensor run(nn::Module& layer, const Tensor& x, Mode mode = Mode::training) {
  Context context(mode);
  return layer(Variable(x), context).value();
}

TEST(LayerNormLayer, IsASoundLayerOverOneOrMoreAxes) {
  const Shape input{2, 3, 2, 4};
  for (const Shape& shape : {Shape{4}, {2, 4}, {3, 2, 4}}) {
    EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<LayerNorm>(shape); },
                             {.input = random_tensor(input), .output_shape = input}))
        << shape.to_string();
    EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<RMSNorm>(shape); },
                             {.input = random_tensor(input), .output_shape = input}))
        << shape.to_string();
  }
  for (const bool scale : {false, true}) {
    for (const bool center : {false, true}) {
      const nn::LayerNormOptions options{.epsilon = 1e-2, .scale = scale, .center = center};
      EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<LayerNorm>(5, options); },
                               {.input = random_tensor({3, 5}), .output_shape = {3, 5}}));
    }
    const nn::RMSNormOptions options{.epsilon = 1e-2, .scale = scale};
    EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<RMSNorm>(5, options); },
                             {.input = random_tensor({3, 5}), .output_shape = {3, 5}}));
  }
  EXPECT_EQ(LayerNorm(2).kind(), "layer_norm");
  EXPECT_EQ(RMSNorm(2).kind(), "rms_norm");
}

TEST(LayerNormLayer, MatchesAWorkedExample) {
  LayerNorm layer(4);
  layer.to(DType::float64);
  expect_near(run(layer, Tensor::from<double>({1, 4}, {1, 2, 3, 6})),
              {-1.06904344, -0.53452172, 0, 1.60356516}, 5e-9);
  RMSNorm rms(4, {.epsilon = 1e-5});  // the mean of 1, 4, 9 and 36 is 12.5
  rms.to(DType::float64);
  const double scale = 1 / std::sqrt(12.5 + 1e-5);
  expect_near(run(rms, Tensor::from<double>({1, 4}, {1, 2, -3, 6})),
              {scale, 2 * scale, -3 * scale, 6 * scale}, 1e-15);
}

// Not a function of the batch: of the other examples, of their number, of the mode.
TEST(LayerNormLayer, AnExampleHasTheSameBitsAloneInABatchAndInBothModes) {
  LayerNorm layer(67);
  RMSNorm rms(67);
  const Tensor batch = random_tensor({9, 67}, 4, DType::float32);
  for (nn::Module* each : {static_cast<nn::Module*>(&layer), static_cast<nn::Module*>(&rms)}) {
    const Tensor together = run(*each, batch);
    for (const Index i : {0, 5, 8}) {
      const Tensor alone = batch.rows(i, i + 1).clone();
      EXPECT_TRUE(same_bits(run(*each, alone), together.rows(i, i + 1))) << each->kind();
      EXPECT_TRUE(same_bits(run(*each, alone, Mode::evaluation), together.rows(i, i + 1))) << each->kind();
    }
  }
}

TEST(LayerNormLayer, OverAllOfAnExampleIsGroupNormOfOneGroup) {
  const Tensor x = random_tensor({3, 4, 5, 6});
  LayerNorm layer(Shape{4, 5, 6});
  nn::GroupNorm group(1, 6);
  layer.to(DType::float64);
  group.to(DType::float64);
  const Tensor expected = run(layer, x);
  expect_near(run(group, x), {expected.values<double>().begin(), expected.values<double>().end()}, 1e-14);
}

TEST(RMSNormLayer, EpsilonIsThatOfTheElementTypeUnlessItIsGiven) {
  RMSNorm layer(1);
  const double tiny = 1e-5;
  EXPECT_NEAR(run(layer, Tensor::full({1, 1}, tiny)).item(),
              tiny / std::sqrt(tiny * tiny + std::ldexp(1, -23)), 1e-8);
  layer.to(DType::float64);
  EXPECT_NEAR(run(layer, Tensor::full({1, 1}, tiny, DType::float64)).item(),
              tiny / std::sqrt(tiny * tiny + std::ldexp(1, -52)), 1e-15);
}

TEST(LayerNormLayer, SaysWhatDoesNotFit) {
  LayerNorm layer(3), image(Shape{2, 3});
  RMSNorm rms(3);
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Tensor::zeros({4, 2}));
            }),
            "[layer_norm] expected an input [...,3], found [4,2]");
  EXPECT_EQ(message_of<ShapeError>([&] { run(layer, Tensor::zeros({3})); }),
            "[layer_norm] expected an input [...,3], found [3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(image, Tensor::zeros({4, 3, 3}));
            }),
            "[layer_norm] expected an input [...,2,3], found [4,3,3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(rms, Tensor::zeros({4, 2}));
            }),
            "[rms_norm] expected an input [...,3], found [4,2]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              run(layer, random_tensor({4, 3}));
            }),
            "[layer_norm] expected float32 elements as in the layer, found float64");
  EXPECT_EQ(
      message_of<ValueError>([] { LayerNorm(1); }),
      "[layer_norm] expected more than one value to normalise over, found the shape [1]: the layer would "
      "give beta for every input");
  EXPECT_EQ(message_of<ValueError>([] { LayerNorm(3, {.epsilon = 0}); }),
            "[layer_norm] expected epsilon > 0, found 0");
  EXPECT_EQ(message_of<ValueError>([] { RMSNorm(3, {.epsilon = 1e-80}); }),
            "[rms_norm] epsilon 1e-80 is 0 in float32");
}

}  // namespace
}  // namespace keel
