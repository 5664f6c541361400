#include "keel/nn/batch_renorm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/autograd/gradcheck.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/model_description.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/batch_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::BatchRenorm;
using nn::BatchRenormOptions;
using nn::Mode;
using testing::check_module;
using testing::expect_near;
using testing::message_of;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

constexpr double kEightDigits = 5e-9;
const BatchRenormOptions kFullLimits = {.relaxation_begin = 0, .r_max_end = 0, .d_max_end = 0};

TEST(BatchRenormLayer, IsASoundLayerOfAnyRank) {
  for (const Shape& shape : {Shape{5, 3}, {2, 2, 3, 5}}) {
    const auto make = [&](Rng&) { return std::make_shared<BatchRenorm>(shape[-1], kFullLimits); };
    EXPECT_TRUE(check_module(make, {.input = random_tensor(shape),
                                    .output_shape = shape,
                                    .differs_in_training = true,
                                    .exact_gradients_in_training = false}))
        << shape.to_string();
    const auto without = [&](Rng&) {
      return std::make_shared<BatchRenorm>(
          shape[-1], BatchRenormOptions{.momentum = 0.3, .scale = false, .center = false});
    };
    EXPECT_TRUE(check_module(
        without, {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}));
  }
}

TEST(BatchRenormLayer, MatchesAWorkedExample) {
  BatchRenorm layer(1, kFullLimits);
  layer.to(DType::float64);
  layer.running_mean.set_value(Tensor::from<double>({1}, {1}));
  layer.running_deviation.set_value(Tensor::from<double>({1}, {2}));
  layer.weight.set_value(Tensor::from<double>({1}, {2}));
  layer.bias.set_value(Tensor::from<double>({1}, {-1}));
  const Variable x(Tensor::from<double>({4, 1}, {1, 2, 3, 6}), true);
  const Variable y = run(layer, x, Mode::training);
  expect_near(y.value(), {-1, 0, 1, 4}, 1e-15);  // xhat = 0, 0.5, 1, 2.5
  y.backward(Tensor::from<double>({4, 1}, {0.05, -0.15, 0.25, 0.35}));
  expect_near(x.grad(), {0.08214241, -0.19642880, 0.125, -0.01071361}, kEightDigits);
  expect_near(layer.weight.grad(), {-0.15 * 0.5 + 0.25 + 0.35 * 2.5}, 1e-15);
  expect_near(layer.bias.grad(), {0.5}, 1e-15);
  expect_near(layer.running_mean.value(), {1.02}, 1e-15);
  expect_near(layer.running_deviation.value(), {1.99870831}, kEightDigits);
  expect_near(run(layer, x, Mode::evaluation).value().rows(3, 4), {2 * (6 - 1.02) / 1.99870831 - 1}, 1e-8);
}

// Limits that bind: r = 0.935 at least 1 / 1.02, d = 1 at most 0.25.
TEST(BatchRenormLayer, ClipsTheCorrection) {
  BatchRenormOptions options = kFullLimits;
  options.r_max = 1.02;
  options.d_max = 0.25;
  BatchRenorm layer(1, options);
  layer.to(DType::float64);
  layer.running_mean.set_value(Tensor::from<double>({1}, {1}));
  layer.running_deviation.set_value(Tensor::from<double>({1}, {2}));
  const double deviation = std::sqrt(3.5 + 1e-5);
  const Variable x(Tensor::from<double>({4, 1}, {1, 2, 3, 6}));
  expect_near(run(layer, x, Mode::training).value(),
              {-2 / deviation / 1.02 + 0.25, -1 / deviation / 1.02 + 0.25, 0.25, 3 / deviation / 1.02 + 0.25},
              1e-15);
}

// r and d count as constants: the layer is batch_norm() with gamma r and beta + gamma d, and so are its
// gradients. Of three channels one is within both limits, one beyond r_max and one beyond d_max.
TEST(BatchRenormLayer, GradientsAreThoseOfBatchNormWithItsCorrection) {
  constexpr double kEpsilon = 1e-5, kRMax = 1.5, kDMax = 0.5;
  BatchRenormOptions options = kFullLimits;
  options.r_max = kRMax;
  options.d_max = kDMax;
  BatchRenorm layer(3, options);
  layer.to(DType::float64);
  layer.weight.set_value(Tensor::from<double>({3}, {1.5, -0.5, 2}));
  layer.bias.set_value(Tensor::from<double>({3}, {0.25, -1, 0.5}));
  const Tensor input = random_tensor({2, 4, 3});
  const BatchStatistics batch = batch_statistics(input);
  const auto deviation = [&](Index c) { return std::sqrt(batch.variance.at({c}) + kEpsilon); };
  // What the layer has kept: of channel 0 so that r = 1.25 and d = -0.3, of 1 that r = 4, of 2 that d = 2.
  const std::vector<double> r = {1.25, 4, 0.8}, d = {-0.3, 0.2, 2};
  Tensor mean = Tensor::zeros({3}, DType::float64), kept = Tensor::zeros({3}, DType::float64);
  Tensor r_used = Tensor::like(mean), d_used = Tensor::like(mean);
  for (const Index c : {0, 1, 2}) {
    const auto i = static_cast<std::size_t>(c);
    kept.data<double>()[c] = deviation(c) / r[i];
    mean.data<double>()[c] = batch.mean.at({c}) - d[i] * kept.at({c});
    r_used.data<double>()[c] = std::clamp(r[i], 1 / kRMax, kRMax);
    d_used.data<double>()[c] = std::clamp(d[i], -kDMax, kDMax);
  }
  layer.running_mean.set_value(mean);
  layer.running_deviation.set_value(kept);

  const auto reference = [&](const std::vector<Variable>& v) {
    return batch_norm(v[0], v[1] * Variable(r_used), v[2] + v[1] * Variable(d_used), kEpsilon).y;
  };
  const std::vector<Tensor> values = {input, layer.weight.value().clone(), layer.bias.value().clone()};
  const GradcheckResult checked = gradcheck(reference, values);
  EXPECT_TRUE(checked) << checked.message;

  const Tensor dy = random_tensor({2, 4, 3}, 7);
  std::vector<Variable> inputs;
  for (const Tensor& value : values) inputs.emplace_back(value, true);
  const Variable expected = reference(inputs), x(input, true), y = run(layer, x, Mode::training);
  expected.backward(dy);
  y.backward(dy);
  const auto expect_same = [](const Tensor& a, const Tensor& b) {
    expect_near(a, std::vector<double>(b.data<double>(), b.data<double>() + b.numel()), 1e-13);
  };
  expect_same(y.value(), expected.value());
  expect_same(x.grad(), inputs[0].grad());
  expect_same(layer.weight.grad(), inputs[1].grad());
  expect_same(layer.bias.grad(), inputs[2].grad());
}

TEST(BatchRenormLayer, ADeviationThatIsNoNumberIsNotTakenForZero) {
  BatchRenorm layer(2);
  layer.running_deviation.mutable_value().fill(std::nan(""));
  EXPECT_EQ(message_of<ValueError>([&] {
              run(layer, Variable(Tensor::zeros({4, 2})), Mode::evaluation);
            }),
            "[batch_norm] expected variances of at least 0, found nan in channel 0");
}

TEST(BatchRenormLayer, LimitsFollowTheNumberOfBatches) {
  BatchRenorm layer(1);
  const std::vector<std::array<double, 3>> schedule = {
      {0, 1, 0},     {5000, 1, 0},  {15000, 1 + 4.0 / 7, 2.5}, {25000, 1 + 8.0 / 7, 5},
      {40000, 3, 5}, {160000, 3, 5}};
  for (const auto& [batches, r_max, d_max] : schedule) {
    layer.num_batches_tracked.mutable_value().fill(batches);
    EXPECT_NEAR(layer.r_max(), r_max, 1e-15) << batches;
    EXPECT_NEAR(layer.d_max(), d_max, 1e-15) << batches;
  }
}

TEST(BatchRenormLayer, IsBatchNormUntilTheRelaxationBegins) {
  BatchRenorm layer(3, {.relaxation_begin = 2, .r_max_end = 6, .d_max_end = 4});
  nn::BatchNorm plain(3);
  for (int step = 0; step < 5; ++step) {
    const Tensor input = random_tensor({6, 3}, 1 + step, DType::float32);
    const Variable x(input, true), x_plain(input, true);
    const Variable y = run(layer, x, Mode::training), y_plain = run(plain, x_plain, Mode::training);
    const Tensor dy = random_tensor({6, 3}, 20 + step, DType::float32);
    y.backward(dy);
    y_plain.backward(dy);
    EXPECT_EQ(same_bits(y.value(), y_plain.value()), step <= 2) << step;
    EXPECT_EQ(same_bits(x.grad(), x_plain.grad()), step <= 2) << step;
  }
  EXPECT_EQ(layer.num_batches_tracked.item(), 5);
}

TEST(BatchRenormLayer, ErrorsNameTheLayer) {
  BatchRenorm layer(3);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Variable(Tensor::zeros({1, 3})), Mode::training);
      }),
      "[batch_renorm] expected more than one value per channel in training, found input [1,3]: use larger "
      "batches, or drop the incomplete last batch");
  EXPECT_EQ(run(layer, Variable(Tensor::zeros({1, 3})), Mode::evaluation).shape(), (Shape{1, 3}));
  layer.recalibrate(true);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Variable(Tensor::zeros({1, 3})), Mode::evaluation);
      }),
      "[batch_renorm] expected more than one value per channel to recalibrate, as one row has no variance, "
      "found input [1,3]: use larger batches, or drop the incomplete last batch");
  layer.recalibrate(false);
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 2})), Mode::training);
            }),
            "[batch_renorm] expected an input [...,3] with at least two axes, found [4,2]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 3}, DType::float64)), Mode::training);
            }),
            "[batch_renorm] expected float32 elements as in the layer, found float64");
  const auto rejection = [](const BatchRenormOptions& options) {
    return message_of<ValueError>([&] { BatchRenorm(3, options); });
  };
  EXPECT_EQ(rejection({.r_max = 0.5}), "[batch_renorm] expected r_max >= 1, found 0.5");
  EXPECT_EQ(rejection({.d_max = -1}), "[batch_renorm] expected d_max >= 0, found -1");
  EXPECT_EQ(rejection({.momentum = 2}),
            "[batch_renorm] expected a momentum in [0,1], the weight of the new batch, found 2");
  EXPECT_EQ(rejection({.epsilon = 0}), "[batch_renorm] expected epsilon > 0, found 0");
  EXPECT_EQ(
      rejection({.r_max_end = 4999}),
      "[batch_renorm] expected 0 <= relaxation_begin <= r_max_end, d_max_end, found 5000, 4999 and 25000");
  EXPECT_EQ(message_of<ValueError>([] { BatchRenorm(0); }),
            "[batch_renorm] expected at least 1 channel, found 0");
}

TEST(BatchRenormLayer, CanBeDescribed) {
  const auto description = nn::ModelDescription::parse(
      R"({"input":[2],"classes":3,"layers":[{"layer":"dense","units":"classes"},)"
      R"({"layer":"batch_renorm","relaxation_begin":2,"r_max_end":4,"d_max_end":3,"momentum":0.1}]})",
      "model.json");
  const auto model = description.build(Rng(1, Stream::initialization));
  auto& layer = dynamic_cast<BatchRenorm&>(*model->children().at(1).module);
  layer.num_batches_tracked.mutable_value().fill(3);
  EXPECT_EQ(layer.r_max(), 2);
  EXPECT_EQ(layer.d_max(), 5);
  EXPECT_EQ(nn::ModelDescription::parse(description.to_json(), "again").to_json(), description.to_json());
}

}  // namespace
}  // namespace keel
