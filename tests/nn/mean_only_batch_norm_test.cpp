#include "keel/nn/mean_only_batch_norm.h"

#include <gtest/gtest.h>

#include "keel/nn/model_description.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::MeanOnlyBatchNorm;
using nn::MeanOnlyBatchNormOptions;
using nn::Mode;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::run;

void expect_near(const Tensor& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.numel(), static_cast<Index>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual.data<double>()[i], expected[i], 1e-15) << "element " << i;
  }
}

TEST(MeanOnlyBatchNormLayer, IsASoundLayer) {
  for (const MeanOnlyBatchNormOptions& options :
       {MeanOnlyBatchNormOptions{}, {.momentum = nn::kCumulativeAverage, .center = false}}) {
    for (const Shape& shape : {Shape{5, 3}, {2, 2, 3, 5}}) {
      EXPECT_TRUE(
          check_module([&](Rng&) { return std::make_shared<MeanOnlyBatchNorm>(shape[-1], options); },
                       {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}));
    }
  }
}

TEST(MeanOnlyBatchNormLayer, TakesTheMeanOffValuesAndGradients) {
  MeanOnlyBatchNorm layer(2, {.momentum = 0.5});
  layer.to(DType::float64);
  layer.bias.set_value(Tensor::from<double>({2}, {0.5, -1}));
  const Variable x(Tensor::from<double>({2, 2}, {1, -2, 5, 4}), true);
  const Variable y = run(layer, x, Mode::training);
  expect_near(y.value(), {-1.5, -4, 2.5, 2});
  y.backward(Tensor::from<double>({2, 2}, {1, 2, 4, -1}));
  expect_near(x.grad(), {-1.5, 1.5, 1.5, -1.5});
  expect_near(layer.bias.grad(), {5, 1});
  expect_near(layer.running_mean.value(), {1.5, 0.5});
  expect_near(run(layer, Variable(Tensor::from<double>({1, 2}, {2, 2})), Mode::evaluation).value(), {1, 0.5});
}

TEST(MeanOnlyBatchNormLayer, ErrorsNameTheLayer) {
  EXPECT_EQ(message_of<ValueError>([] { MeanOnlyBatchNorm(0); }),
            "[mean_only_batch_norm] expected at least 1 channel, found 0");
  EXPECT_EQ(message_of<ValueError>([] { MeanOnlyBatchNorm(1, {.momentum = 1.5}); }),
            "[mean_only_batch_norm] expected a momentum in [0,1], the weight of the new batch, found 1.5");
  MeanOnlyBatchNorm layer(3);
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 2})), Mode::training);
            }),
            "[mean_only_batch_norm] expected an input [...,3] with at least two axes, found [4,2]");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Variable(Tensor::zeros({1, 3})), Mode::training);
      }),
      "[mean_only_batch_norm] expected more than one value per channel in training, found input [1,3]: use "
      "larger batches, or drop the incomplete last batch");
}

TEST(MeanOnlyBatchNormLayer, CanBeDescribed) {
  const auto description = nn::ModelDescription::parse(
      R"({"input":[2],"classes":3,"layers":[{"layer":"mean_only_batch_norm","momentum":null},)"
      R"({"layer":"dense","units":"classes"}]})",
      "model.json");
  EXPECT_EQ(description.build(Rng(1, Stream::initialization))->named_buffers().size(), 2u);
}

}  // namespace
}  // namespace keel
