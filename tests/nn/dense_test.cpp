#include "keel/nn/dense.h"

#include <gtest/gtest.h>

#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Dense;
using nn::DenseOptions;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;

std::shared_ptr<nn::Module> make_dense(Rng& rng) { return std::make_shared<Dense>(3, 5, rng); }
std::shared_ptr<nn::Module> make_without_bias(Rng& rng) {
  return std::make_shared<Dense>(3, 5, rng, DenseOptions{.bias = false});
}

TEST(DenseLayer, IsASoundLayer) {
  EXPECT_TRUE(check_module(make_dense, {.input = random_tensor({4, 3}), .output_shape = {4, 5}}));
  EXPECT_TRUE(check_module(make_dense, {.input = random_tensor({2, 4, 3}), .output_shape = {2, 4, 5}}));
  EXPECT_TRUE(check_module(make_without_bias, {.input = random_tensor({4, 3}), .output_shape = {4, 5}}));
}

TEST(DenseLayer, HasWeightAndBiasByPyTorchsNames) {
  Rng rng(1, Stream::initialization);
  const Dense dense(3, 5, rng), bare(3, 5, rng, {.bias = false});
  ASSERT_EQ(dense.named_parameters().size(), 2);
  EXPECT_EQ(dense.named_parameters()[0].name, "weight");
  EXPECT_EQ(dense.weight.shape(), (Shape{3, 5}));
  EXPECT_EQ(dense.named_parameters()[1].name, "bias");
  EXPECT_EQ(dense.bias.shape(), (Shape{5}));
  EXPECT_EQ(dense.num_parameters(), 20);
  EXPECT_EQ(bare.num_parameters(), 15);
  EXPECT_FALSE(bare.bias.defined());
  EXPECT_EQ(dense.kind(), "dense");
}

TEST(DenseLayer, InitialisesWeightAndBiasWithTheFansOfTheWeight) {
  std::vector<Shape> shapes;
  const nn::Initializer spy = [&](Tensor& tensor, const nn::Fans& fans, Rng&) {
    EXPECT_EQ(fans.fan_in, 3);
    EXPECT_EQ(fans.fan_out, 5);
    shapes.push_back(tensor.shape());
    tensor.fill(static_cast<double>(shapes.size()));
  };
  Rng rng(1, Stream::initialization);
  const Dense dense(3, 5, rng, {.weight_init = spy, .bias_init = spy});
  ASSERT_EQ(shapes.size(), 2);
  EXPECT_EQ(dense.weight.value().at({2, 4}), 1);
  EXPECT_EQ(dense.bias.value().at({4}), 2);
}

TEST(DenseLayer, RejectsWhatDoesNotFit) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([&] { Dense(0, 5, rng); }),
            "[dense] expected at least 1 input and 1 output, found 0 and 5");
  EXPECT_EQ(message_of<ValueError>([&] { Dense(3, -1, rng); }),
            "[dense] expected at least 1 input and 1 output, found 3 and -1");
  Dense dense(3, 5, rng);
  nn::Context context(nn::Mode::evaluation);
  EXPECT_EQ(message_of<ShapeError>([&] {
              dense(Variable(Tensor::zeros({4, 2})), context);
            }),
            "[dense] input [4,2] does not fit weight [3,5]: expected 3 features along the last axis");
}

}  // namespace
}  // namespace keel
