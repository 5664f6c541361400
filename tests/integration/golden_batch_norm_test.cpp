// The batch normalisation layer against PyTorch: both modes, and the running statistics.
#include <gtest/gtest.h>

#include "keel/nn/batch_norm.h"
#include "support/golden.h"

namespace keel::golden {
namespace {

nn::BatchNorm make_layer(const Json& item, DType dtype) {
  const Json& inputs = item.at("inputs");
  const Json& options = item.at("options");
  nn::BatchNormOptions layer_options{.epsilon = options.at("epsilon"), .momentum = nn::kCumulativeAverage};
  if (!options.at("momentum").is_null()) layer_options.momentum = options.at("momentum").get<double>();
  nn::BatchNorm layer(shape_of(inputs.at("gamma"))[0], layer_options);
  layer.to(dtype);
  layer.weight.set_value(make(inputs.at("gamma"), dtype));
  layer.bias.set_value(make(inputs.at("beta"), dtype));
  return layer;
}

// One pass forward and backward of the case's batch. `expected` holds "output" and "gradients".
void check_pass(nn::BatchNorm& layer, nn::Mode mode, const Json& item, const Json& expected, DType dtype) {
  nn::Context context(mode);
  const Variable x(make(item.at("inputs").at("x"), dtype), true);
  const Variable y = layer(x, context);
  layer.clear_grad();
  y.backward(make(item.at("cotangent"), dtype));
  const Json& gradients = expected.at("gradients");
  EXPECT_TRUE(is_close(y.value(), expected.at("output"), tolerance_of(dtype))) << "output";
  EXPECT_TRUE(is_close(x.grad(), gradients.at("x"), tolerance_of(dtype))) << "dx";
  EXPECT_TRUE(is_close(layer.weight.grad(), gradients.at("gamma"), tolerance_of(dtype))) << "dgamma";
  EXPECT_TRUE(is_close(layer.bias.grad(), gradients.at("beta"), tolerance_of(dtype))) << "dbeta";
}

void check_statistics(const nn::BatchNorm& layer, const Json& expected, DType dtype) {
  EXPECT_TRUE(is_close(layer.running_mean.value(), expected.at("running_mean"), tolerance_of(dtype)))
      << "running_mean";
  EXPECT_TRUE(is_close(layer.running_var.value(), expected.at("running_var"), tolerance_of(dtype)))
      << "running_var";
}

class GoldenBatchNorm : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenBatchNorm, TrainsAndEvaluates) {
  const DType dtype = GetParam();
  for (const Json& item : cases("batch_norm")) {
    SCOPED_TRACE(item.at("name"));
    nn::BatchNorm layer = make_layer(item, dtype);
    check_pass(layer, nn::Mode::training, item, item, dtype);
    check_statistics(layer, item.at("statistics").at("after_1"), dtype);
    nn::Context training(nn::Mode::training);
    for (const Json& batch : item.at("later_batches")) layer(Variable(make(batch, dtype)), training);
    check_statistics(layer, item.at("statistics").at("after_3"), dtype);
    check_pass(layer, nn::Mode::evaluation, item, item.at("evaluation"), dtype);
    check_statistics(layer, item.at("statistics").at("after_3"), dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenBatchNorm, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

// The same by numbers of eight decimals: four rows, two channels, epsilon 1e-5, momentum 0.1.
TEST(BatchNormByHand, ExampleOfFourRows) {
  const double half_digit = 5.1e-9;
  const auto expect_values = [&](const Tensor& found, std::vector<Index> at, std::vector<double> expected) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      EXPECT_NEAR(found.data<double>()[at[i]], expected[i], half_digit) << "element " << at[i];
    }
  };
  nn::BatchNorm layer(2);
  layer.to(DType::float64);
  layer.weight.set_value(Tensor::from<double>({2}, {2, 0.5}));
  layer.bias.set_value(Tensor::from<double>({2}, {-1, 1}));
  const Variable x(Tensor::from<double>({4, 2}, {1, -2, 2, 0, 3, 4, 6, 2}), true);
  nn::Context training(nn::Mode::training);
  const Variable y = layer(x, training);
  y.backward(Tensor::from<double>({4, 2}, {0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8}));
  expect_values(y.value(), {0, 1}, {-3.13808688, 0.32918028});
  expect_values(x.grad(), {0, 1, 6, 7}, {0.17562761, -0.06708184, -0.02290663, 0.15652456});
  expect_values(layer.weight.grad(), {0, 1}, {1.17594778, -0.89442630});
  expect_values(layer.bias.grad(), {0, 1}, {1, 0.8});
  expect_values(layer.running_mean.value(), {0, 1}, {0.3, 0.1});
  expect_values(layer.running_var.value(), {0, 1}, {1.36666667, 1.56666667});
  nn::Context evaluation(nn::Mode::evaluation);
  expect_values(layer(x, evaluation).value(), {0, 1}, {0.19755411, 0.16112044});
}

}  // namespace
}  // namespace keel::golden
