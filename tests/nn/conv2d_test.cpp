#include "keel/nn/conv2d.h"

#include <gtest/gtest.h>

#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Conv2d;
using nn::Conv2dLayerOptions;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;

struct Case {
  const char* name;
  Index inputs, outputs;
  Pair kernel;
  Conv2dLayerOptions options;
  Shape output;  // for an input of 2 images of 5x6 pixels
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Conv2dLayer : public ::testing::TestWithParam<Case> {};

TEST_P(Conv2dLayer, IsASoundLayer) {
  const Case& c = GetParam();
  EXPECT_TRUE(check_module(
      [&](Rng& rng) { return std::make_shared<Conv2d>(c.inputs, c.outputs, c.kernel, rng, c.options); },
      {.input = random_tensor({2, 5, 6, c.inputs}), .output_shape = c.output}));
}

const Case kCases[] = {
    {"plain", 2, 3, 3, {}, {2, 3, 4, 3}},
    {"uneven_kernel", 1, 2, {2, 3}, {}, {2, 4, 4, 2}},
    {"padding", 2, 3, 3, {.convolution = {.padding = 1}}, {2, 5, 6, 3}},
    {"stride", 2, 3, 3, {.convolution = {.stride = {2, 1}, .padding = {0, 1}}}, {2, 2, 6, 3}},
    {"dilation", 1, 2, 2, {.convolution = {.dilation = 2}}, {2, 3, 4, 2}},
    {"groups", 4, 6, 2, {.convolution = {.groups = 2}}, {2, 4, 5, 6}},
    {"without_bias", 2, 3, 2, {.bias = false}, {2, 4, 5, 3}},
};
INSTANTIATE_TEST_SUITE_P(Options, Conv2dLayer, ::testing::ValuesIn(kCases),
                         [](const auto& each) { return each.param.name; });

TEST(Conv2dLayer, HasWeightAndBiasInTheHousesLayout) {
  Rng rng(1, Stream::initialization);
  const Conv2d layer(4, 6, {2, 3}, rng, {.convolution = {.groups = 2}}), bare(4, 6, 3, rng, {.bias = false});
  ASSERT_EQ(layer.named_parameters().size(), 2);
  EXPECT_EQ(layer.named_parameters()[0].name, "weight");
  EXPECT_EQ(layer.weight.shape(), (Shape{2, 3, 2, 6}));
  EXPECT_EQ(layer.named_parameters()[1].name, "bias");
  EXPECT_EQ(layer.bias.shape(), (Shape{6}));
  EXPECT_EQ(layer.num_parameters(), 2 * 3 * 2 * 6 + 6);
  EXPECT_EQ(bare.num_parameters(), 3 * 3 * 4 * 6);
  EXPECT_EQ(layer.kind(), "conv2d");
}

TEST(Conv2dLayer, InitialisesWeightAndBiasWithTheFansOfTheWeight) {
  std::vector<Shape> shapes;
  const nn::Initializer spy = [&](Tensor& tensor, const nn::Fans& fans, Rng&) {
    EXPECT_EQ(fans.fan_in, 2 * 3 * 4);
    EXPECT_EQ(fans.fan_out, 2 * 3 * 5);
    shapes.push_back(tensor.shape());
    tensor.fill(static_cast<double>(shapes.size()));
  };
  Rng rng(1, Stream::initialization);
  const Conv2d layer(4, 5, {2, 3}, rng, {.weight_init = spy, .bias_init = spy});
  ASSERT_EQ(shapes.size(), 2);
  EXPECT_EQ(layer.weight.value().at({1, 2, 3, 4}), 1);
  EXPECT_EQ(layer.bias.value().at({4}), 2);
}

TEST(Conv2dLayer, RejectsWhatDoesNotFit) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([&] { Conv2d(0, 5, 3, rng); }),
            "[conv2d] expected at least 1 input, 1 output and a kernel of 1x1, found 0, 5 and 3x3");
  EXPECT_EQ(message_of<ValueError>([&] {
              Conv2d(2, 5, {3, 0}, rng);
            }),
            "[conv2d] expected at least 1 input, 1 output and a kernel of 1x1, found 2, 5 and 3x0");
  EXPECT_EQ(message_of<ValueError>([&] { Conv2d(4, 6, 3, rng, {.convolution = {.groups = 3}}); }),
            "[conv2d] expected groups that divide 4 inputs and 6 outputs, found 3");
  EXPECT_EQ(message_of<ValueError>([&] { Conv2d(4, 6, 3, rng, {.convolution = {.groups = 0}}); }),
            "[conv2d] expected groups that divide 4 inputs and 6 outputs, found 0");
  Conv2d layer(2, 3, 3, rng);
  nn::Context context(nn::Mode::evaluation);
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer(Variable(Tensor::zeros({1, 5, 5, 4})), context);
            }),
            "[conv2d] input [1,5,5,4] has 4 channels, weight [3,3,2,3] expects 2");
}

}  // namespace
}  // namespace keel
