#include "keel/nn/weight_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "keel/nn/batch_norm.h"
#include "keel/nn/model_description.h"
#include "keel/ops/elementwise.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::Conv2d;
using nn::Dense;
using nn::Mode;
using nn::WeightNorm;
using nn::WeightNormOptions;
using testing::check_module;
using testing::largest_difference;
using testing::message_of;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

TEST(WeightNormLayer, IsASoundLayer) {
  for (const bool mean_only : {false, true}) {
    for (const bool bias : {false, true}) {
      for (const bool initializes : {false, true}) {
        const WeightNormOptions options{.data_dependent_init = initializes,
                                        .mean_only_batch_norm = mean_only};
        EXPECT_TRUE(check_module(
            [&](Rng& rng) { return std::make_shared<WeightNorm>(Dense(4, 3, rng, {.bias = bias}), options); },
            {.input = random_tensor({5, 4}), .output_shape = {5, 3}, .differs_in_training = mean_only}));
        EXPECT_TRUE(check_module(
            [&](Rng& rng) {
              const nn::Conv2dLayerOptions conv{.convolution = {.stride = 2, .groups = 2}, .bias = bias};
              return std::make_shared<WeightNorm>(Conv2d(2, 4, 2, rng, conv), options);
            },
            {.input = random_tensor({2, 4, 5, 2}),
             .output_shape = {2, 2, 2, 4},
             .differs_in_training = mean_only}));
      }
    }
  }
}

// v = (3,4), g = 2, and one row x = (1,2), so that dy = 1 gives dw = (1,2).
TEST(WeightNormLayer, MatchesAWorkedExample) {
  Rng rng(1, Stream::initialization);
  WeightNorm layer(Dense(2, 1, rng), {.data_dependent_init = false});
  layer.to(DType::float64);
  layer.weight_v.set_value(Tensor::from<double>({2, 1}, {3, 4}));
  layer.weight_g.set_value(Tensor::from<double>({1}, {2}));
  layer.bias.set_value(Tensor::from<double>({1}, {0.5}));
  const Variable x(Tensor::from<double>({1, 2}, {1, 2}), true);
  const Variable y = run(layer, x, Mode::training);
  EXPECT_NEAR(y.item(), 2 * (3 + 8) / 5.0 + 0.5, 1e-15);
  y.backward();
  EXPECT_NEAR(layer.weight_g.grad().item(), 2.2, 1e-15);
  EXPECT_NEAR(layer.weight_v.grad().at({0, 0}), -0.128, 1e-15);
  EXPECT_NEAR(layer.weight_v.grad().at({1, 0}), 0.096, 1e-15);
  EXPECT_NEAR(x.grad().at({0, 0}), 1.2, 1e-15);
  EXPECT_NEAR(x.grad().at({0, 1}), 1.6, 1e-15);
}

TEST(WeightNormLayer, StartsAsTheLayerItWasMadeOf) {
  Rng rng(1, Stream::initialization);
  Dense dense(4, 3, rng);
  Conv2d conv(2, 3, 3, rng);
  for (const bool mean_only : {false, true}) {
    const WeightNormOptions options{.data_dependent_init = false, .mean_only_batch_norm = mean_only};
    WeightNorm normed(dense, options), normed_conv(conv, options);
    dense.to(DType::float64);
    conv.to(DType::float64);
    normed.to(DType::float64);
    normed_conv.to(DType::float64);
    if (mean_only) {  // which has taken the place of the bias
      dense.bias.mutable_value().fill(0);
      conv.bias.mutable_value().fill(0);
    }
    const Variable rows(random_tensor({5, 4})), images(random_tensor({2, 4, 5, 2}));
    EXPECT_LT(largest_difference(run(normed, rows, Mode::evaluation).value(),
                                 run(dense, rows, Mode::evaluation).value()),
              1e-7);  // g is kept in float32
    EXPECT_LT(largest_difference(run(normed_conv, images, Mode::evaluation).value(),
                                 run(conv, images, Mode::evaluation).value()),
              1e-7);
    dense.to(DType::float32);
    conv.to(DType::float32);
  }
}

// Mean 0 and variance 1 of each unit over the first batch, and never again.
TEST(WeightNormLayer, TheFirstBatchSetsScaleAndBias) {
  const Variable first(random_tensor({6, 5, 4, 2}, 1)), second(random_tensor({6, 5, 4, 2}, 2));
  nn::BatchNorm unit_variance(3, {.epsilon = 1e-30});
  unit_variance.to(DType::float64);
  for (const bool mean_only : {false, true}) {
    Rng rng(1, Stream::initialization);
    WeightNorm layer(Conv2d(2, 3, 2, rng), {.mean_only_batch_norm = mean_only});
    layer.to(DType::float64);
    run(layer, first, Mode::evaluation);
    EXPECT_EQ(layer.initialized.item(), 0);
    const Variable y = run(layer, first, Mode::training);
    EXPECT_EQ(layer.initialized.item(), 1);
    EXPECT_LT(largest_difference(y.value(), run(unit_variance, y, Mode::training).value()), 1e-13);
    const Tensor g = layer.weight_g.value().clone();
    run(layer, second, Mode::training);
    EXPECT_TRUE(same_bits(layer.weight_g.value(), g));
    layer.initialize(second);
    EXPECT_FALSE(same_bits(layer.weight_g.value(), g));
  }
}

TEST(WeightNormLayer, AUnitThatHardlyDiffersBetweenRowsKeepsItsScale) {
  Rng rng(1, Stream::initialization);
  for (const double deviation : {0.0, 1e-8, 1e-6}) {
    WeightNorm layer(Dense(4, 3, rng));
    const Tensor g = layer.weight_g.value().clone();
    Tensor x = random_tensor({5, 4}, 1, DType::float32);
    for (Index i = 0; i < x.numel(); ++i) x.data<float>()[i] *= static_cast<float>(deviation);
    run(layer, Variable(x), Mode::training);
    EXPECT_TRUE(same_bits(layer.weight_g.value(), g));
    EXPECT_NEAR(layer.bias.value().at({0}), 0, deviation);
  }
}

TEST(WeightNormLayer, AFirstBatchThatIsNotFiniteSetsNothing) {
  Rng rng(1, Stream::initialization);
  WeightNorm layer(Dense(4, 3, rng));
  const Tensor g = layer.weight_g.value().clone(), bias = layer.bias.value().clone();
  Tensor x = random_tensor({5, 4}, 1, DType::float32);
  x.data<float>()[6] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(run(layer, Variable(x), Mode::training).value().at({1, 0})));
  EXPECT_TRUE(same_bits(layer.weight_g.value(), g));
  EXPECT_TRUE(same_bits(layer.bias.value(), bias));
}

TEST(WeightNormLayer, AReluBehindItIsTakenOver) {
  Rng rng(1, Stream::initialization);
  WeightNorm layer(Dense(4, 3, rng), {.data_dependent_init = false});
  WeightNorm centred(Dense(4, 3, rng), {.mean_only_batch_norm = true});
  const Variable x(random_tensor({5, 4}, 1, DType::float32));
  Context context(Mode::training);
  const std::optional<Variable> y = layer.forward_activated(x, Activation::relu, context);
  ASSERT_TRUE(y.has_value());
  EXPECT_TRUE(same_bits(y->value(), relu(layer(x, context)).value()));
  EXPECT_FALSE(centred.forward_activated(x, Activation::relu, context).has_value());
}

TEST(WeightNormLayer, ErrorsNameTheLayer) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([&] { WeightNorm(Dense(4, 3, rng, {.weight_init = nn::zeros()})); }),
            "[weight_norm] expected weights other than 0 in each unit, found none in unit 0: they have no "
            "direction");
  EXPECT_EQ(message_of<ValueError>(
                [&] { WeightNorm(Conv2d(1, 1, 1, rng, {.convolution = {.activation = Activation::relu}})); }),
            "[weight_norm] expected a conv2d without an activation of its own: put it behind");
  WeightNorm layer(Dense(4, 3, rng));
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Variable(Tensor::ones({1, 4})), Mode::training);
      }),
      "[weight_norm] expected a first batch of more than one value per unit, found input [1,4]: use larger "
      "batches, or no data-dependent initialisation");
  EXPECT_EQ(run(layer, Variable(Tensor::ones({1, 4})), Mode::evaluation).shape(), (Shape{1, 3}));
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::ones({2, 5})), Mode::evaluation);
            }),
            message_of<ShapeError>([&] {
              run(*std::make_shared<Dense>(4, 3, rng), Variable(Tensor::ones({2, 5})), Mode::evaluation);
            }));
}

std::shared_ptr<nn::Sequential> described(const std::string& options) {
  return nn::ModelDescription::parse(R"({"input":[4,4,2],"classes":3,"layers":[{"layer":"weight_norm",)" +
                                         options +
                                         R"(},{"layer":"flatten"},{"layer":"dense","units":"classes"}]})",
                                     "model.json")
      .build(Rng(1, Stream::initialization));
}

TEST(WeightNormLayer, CanBeDescribed) {
  const auto model =
      described(R"("body":[{"layer":"conv2d","filters":3,"kernel":2}],"mean_only_batch_norm":true)");
  EXPECT_EQ(model->named_parameters().at(0).name, "0.weight_g");
  EXPECT_EQ(model->named_parameters().at(2).name, "0.mean_only_batch_norm.bias");
  // The body's parameters are those of the layer alone.
  EXPECT_NO_THROW(described(R"("body":[{"layer":"dense","units":3}],"data_dependent_init":false)"));
}

TEST(WeightNormLayer, ADescribedBodyIsOneDenseOrConv2d) {
  EXPECT_EQ(message_of<ValueError>([] { described(R"("body":[{"layer":"relu"}])"); }),
            "model.json for inputs [4,4,2]: layers[0] (weight_norm): [weight_norm] expected a body of one "
            "dense or conv2d, found relu");
  EXPECT_EQ(message_of<ValueError>(
                [] { described(R"("body":[{"layer":"dense","units":3},{"layer":"dense","units":3}])"); }),
            "model.json for inputs [4,4,2]: layers[0] (weight_norm): [weight_norm] expected a body of one "
            "dense or conv2d, found 2 layers");
  EXPECT_EQ(
      message_of<FileError>([] { described(R"("mean_only_batch_norm":true)"); }),
      "model.json: layers[0] (weight_norm): body: expected a list of one dense or conv2d, found nothing");
}

}  // namespace
}  // namespace keel
