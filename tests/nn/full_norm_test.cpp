#include "keel/nn/full_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/batch_norm.h"
#include "keel/nn/model_description.h"
#include "keel/ops/full_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::FullNorm;
using nn::Mode;
using testing::check_module;
using testing::largest_difference;
using testing::message_of;
using testing::random_tensor;
using testing::run;
using testing::same_bits;

TEST(FullNormLayer, IsASoundLayer) {
  for (const Shape& shape : {Shape{5, 3}, {2, 2, 3, 5}, {1, 4}}) {
    EXPECT_TRUE(check_module([&](Rng&) { return std::make_shared<FullNorm>(shape[-1]); },
                             {.input = random_tensor(shape),
                              .output_shape = shape,
                              .differs_in_training = true,
                              .exact_gradients_in_training = false}))
        << shape.to_string();
    if (shape[0] == 1) continue;
    const auto of_all = [&](Rng&) {
      return std::make_shared<FullNorm>(shape[-1], nn::FullNormOptions{.alpha = 1});
    };
    EXPECT_TRUE(check_module(
        of_all, {.input = random_tensor(shape), .output_shape = shape, .differs_in_training = true}));
  }
}

TEST(FullNormLayer, WithAlphaOneIsBatchNorm) {
  FullNorm full(3, {.alpha = 1});
  nn::BatchNorm plain(3);
  full.to(DType::float64);
  plain.to(DType::float64);
  full.weight.set_value(random_tensor({3}, 50));
  plain.weight.set_value(random_tensor({3}, 50));
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Tensor input = random_tensor({2, 4, 3}, 1 + step), dy = random_tensor({2, 4, 3}, 10 + step);
    const Variable x(input, true), x_plain(input, true);
    const Variable y = run(full, x, Mode::training), y_plain = run(plain, x_plain, Mode::training);
    y.backward(dy);
    y_plain.backward(dy);
    EXPECT_LT(largest_difference(y.value(), y_plain.value()), 1e-12);
    EXPECT_LT(largest_difference(x.grad(), x_plain.grad()), 1e-12);
    EXPECT_LT(largest_difference(full.weight.grad(), plain.weight.grad()), 1e-12);
    EXPECT_LT(largest_difference(full.bias.grad(), plain.bias.grad()), 1e-12);
  }
}

// The formulas with first and second moments, as they are written, step after step.
struct Reference {
  double alpha, epsilon = 1e-5;
  double m = 0, s = 1, mean_gradient = 0, second_gradient = 0;

  void step(const std::vector<double>& x, const std::vector<double>& d, std::vector<double>& xhat,
            std::vector<double>& dx) {
    const double rows = static_cast<double>(x.size());
    double mean = 0, second = 0;
    for (const double each : x) mean += each / rows, second += each * each / rows;
    m += alpha * (mean - m);
    s += alpha * (second - s);
    const double rho = 1 / std::sqrt(s - m * m + epsilon);
    double of_second = 0, of_mean = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      of_second -= 0.5 * d[i] * (x[i] - m) * rho * rho * rho;
      of_mean -= d[i] * rho;
    }
    of_mean -= 2 * m * of_second;
    mean_gradient += alpha * (of_mean - mean_gradient);
    second_gradient += alpha * (of_second - second_gradient);
    for (std::size_t i = 0; i < x.size(); ++i) {
      xhat.push_back((x[i] - m) * rho);
      dx.push_back(d[i] * rho + (mean_gradient + 2 * x[i] * second_gradient) / rows);
    }
  }
};

TEST(FullNormLayer, FollowsItsFormulasOverSteps) {
  constexpr double kGamma = 1.5, kBeta = -0.5;
  FullNorm layer(1, {.alpha = 0.3});
  layer.to(DType::float64);
  layer.weight.set_value(Tensor::full({1}, kGamma, DType::float64));
  layer.bias.set_value(Tensor::full({1}, kBeta, DType::float64));
  Reference reference{.alpha = 0.3};
  for (const Index rows : {4, 1, 3, 5}) {
    const Tensor input = random_tensor({rows, 1}, static_cast<std::uint64_t>(rows));
    const Tensor dy = random_tensor({rows, 1}, static_cast<std::uint64_t>(rows + 10));
    std::vector<double> x(input.data<double>(), input.data<double>() + rows), d, xhat, dx;
    for (Index i = 0; i < rows; ++i) d.push_back(kGamma * dy.data<double>()[i]);
    reference.step(x, d, xhat, dx);
    const Variable variable(input, true);
    const Variable y = run(layer, variable, Mode::training);
    y.backward(dy);
    for (Index i = 0; i < rows; ++i) {
      EXPECT_NEAR(y.value().at({i, 0}), kGamma * xhat[static_cast<std::size_t>(i)] + kBeta, 1e-13);
      EXPECT_NEAR(variable.grad().at({i, 0}), dx[static_cast<std::size_t>(i)], 1e-13);
    }
    EXPECT_NEAR(layer.running_mean.item(), reference.m, 1e-15);
    EXPECT_NEAR(layer.running_var.item(), reference.s - reference.m * reference.m, 1e-15);
    EXPECT_NEAR(layer.mean_gradient.item(), reference.mean_gradient, 1e-14);
    EXPECT_NEAR(layer.second_moment_gradient.item(), reference.second_gradient, 1e-14);
  }
}

TEST(FullNormLayer, EvaluationUsesAndKeepsTheState) {
  FullNorm layer(2);
  const Variable x(random_tensor({4, 2}, 1, DType::float32), true);
  run(layer, x, Mode::training).backward(random_tensor({4, 2}, 2, DType::float32));
  std::vector<Tensor> before;
  for (const nn::NamedVariable& buffer : layer.named_buffers())
    before.push_back(buffer.variable.value().clone());
  run(layer, x, Mode::evaluation).backward(random_tensor({4, 2}, 3, DType::float32));
  const std::vector<nn::NamedVariable> after = layer.named_buffers();
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(same_bits(before[i], after[i].variable.value())) << after[i].name;
    EXPECT_NE(before[i].at({0}), 0) << after[i].name;
  }
}

// In float32 the second moment alone would lose the variance: 1e8 against 0.01.
TEST(FullNormLayer, ALargeMeanDoesNotDrownASmallDeviation) {
  Tensor x = random_tensor({500, 1}, 6);
  for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = 1e4 + 0.1 * x.data<double>()[i];
  x = x.to(DType::float32);
  FullNorm layer(1, {.alpha = 0.5}), exact(1, {.alpha = 0.5});
  exact.to(DType::float64);
  for (int step = 0; step < 60; ++step) {
    run(layer, Variable(x), Mode::training);
    run(exact, Variable(x.to(DType::float64)), Mode::training);
  }
  EXPECT_NEAR(exact.running_var.item(), 0.01, 0.001);
  // The mean is kept to 5e-4, and the square of what is lost adds to the variance.
  EXPECT_NEAR(layer.running_var.item() / exact.running_var.item(), 1, 2.5e-5);
}

TEST(FullNormLayer, AGammaOfZeroIsNoTrouble) {
  FullNorm layer(2);
  layer.weight.mutable_value().fill(0);
  const Variable x(random_tensor({4, 2}, 1, DType::float32), true);
  run(layer, x, Mode::training).backward(random_tensor({4, 2}, 2, DType::float32));
  EXPECT_EQ(x.grad().at({0, 0}), 0);
  EXPECT_NE(layer.weight.grad().at({0}), 0);
}

// Training that diverges is found by its loss, which must not be pre-empted by an exception.
TEST(FullNormLayer, InputsThatAreNotFiniteGiveNaNInTraining) {
  for (const double value : {std::nan(""), HUGE_VAL}) {
    FullNorm layer(2);
    Tensor x = random_tensor({4, 2}, 1, DType::float32);
    x.data<float>()[2] = static_cast<float>(value);
    const Tensor y = run(layer, Variable(x), Mode::training).value();
    for (const Index row : {0, 1, 2, 3}) {
      EXPECT_TRUE(std::isnan(y.at({row, 0}))) << row;
      EXPECT_TRUE(std::isfinite(y.at({row, 1}))) << row;
    }
  }
}

TEST(FullNormLayer, ErrorsNameTheLayer) {
  EXPECT_EQ(message_of<ValueError>([] { FullNorm(3, {.alpha = 0}); }),
            "[full_norm] expected alpha in (0,1], the weight of the new batch, found 0");
  FullNorm layer(3), of_all(3, {.alpha = 1});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 2})), Mode::training);
            }),
            "[full_norm] expected an input [...,3] with at least two axes, found [4,2]");
  EXPECT_EQ(message_of<ValueError>([&] {
              run(of_all, Variable(Tensor::zeros({1, 3})), Mode::training);
            }),
            "[full_norm] expected more than one value per channel in training, found input [1,3]: use larger "
            "batches, or drop the incomplete last batch");
  EXPECT_NO_THROW(run(layer, Variable(Tensor::zeros({1, 3})), Mode::training));
  layer.recalibrate(true);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Variable(Tensor::zeros({1, 3})), Mode::evaluation);
      }),
      "[full_norm] expected more than one value per channel to recalibrate, as one row has no variance, "
      "found input [1,3]: use larger batches, or drop the incomplete last batch");
  const Variable x(Tensor::zeros({4, 3}));
  const Tensor three = Tensor::ones({3}), two = Tensor::ones({2});
  EXPECT_EQ(message_of<ShapeError>([&] {
              full_norm(x, three, three, {three, two}, 1, 1e-5);
            }),
            "[full_norm] input [4,3] expects averages of shape [3], found [2]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              full_norm(x, three, two, {three, three}, 1, 1e-5);
            }),
            "[full_norm] input [4,3] expects mean and variance of shape [3], found [3] and [2]");
  EXPECT_EQ(message_of<ValueError>([&] {
              full_norm(x, three, Tensor::from<float>({3}, {1, -2, 1}), {three, three}, 1, 1e-5);
            }),
            "[full_norm] expected variances of at least 0, found -2 in channel 1");
  EXPECT_EQ(message_of<ValueError>([&] {
              full_norm(x, three, three, {three, three}, 1, 1e-80);
            }),
            "[full_norm] epsilon 1e-80 is 0 in float32");
}

TEST(FullNormLayer, CanBeDescribed) {
  const auto description =
      nn::ModelDescription::parse(R"({"input":[2],"classes":3,"layers":[{"layer":"full_norm","alpha":0.2},)"
                                  R"({"layer":"dense","units":"classes"}]})",
                                  "model.json");
  EXPECT_EQ(description.build(Rng(1, Stream::initialization))->named_buffers().size(), 4u);
}

}  // namespace
}  // namespace keel
