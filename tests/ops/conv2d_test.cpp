#include "keel/ops/conv2d.h"

#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"
#include "keel/core/parallel.h"
#include "support/random_tensor.h"
#include "support/reference_conv.h"

namespace keel {
namespace {

using testing::random_tensor;
using testing::ReferenceConv2d;
using testing::Values;

struct Case {
  const char* name;
  Shape x, weight;
  bool bias;
  Conv2dOptions options;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const Case kCases[] = {
    {"plain", {2, 5, 4, 3}, {3, 3, 3, 4}, true, {}},
    {"no_bias", {2, 4, 5, 2}, {2, 3, 2, 5}, false, {}},
    {"one_by_one", {2, 3, 4, 5}, {1, 1, 5, 3}, true, {}},
    {"one_channel", {3, 5, 6, 1}, {3, 3, 1, 17}, true, {.padding = 1}},
    {"padding", {2, 4, 3, 2}, {3, 3, 2, 3}, true, {.padding = {1, 2}}},
    {"padding_beyond_kernel", {2, 3, 4, 2}, {2, 1, 2, 3}, true, {.padding = {2, 1}}},
    {"stride", {2, 7, 8, 2}, {3, 2, 2, 3}, true, {.stride = {2, 3}}},
    {"stride_beyond_kernel", {2, 7, 6, 2}, {1, 2, 2, 3}, true, {.stride = 3}},
    {"stride_padding", {2, 6, 5, 2}, {3, 3, 2, 3}, true, {.stride = 2, .padding = 1}},
    {"dilation", {2, 6, 7, 2}, {3, 2, 2, 3}, true, {.padding = 1, .dilation = {2, 3}}},
    {"groups", {2, 4, 5, 4}, {3, 2, 2, 6}, true, {.padding = 1, .groups = 2}},
    {"depthwise", {2, 5, 4, 3}, {3, 3, 1, 6}, true, {.groups = 3}},
    // With 16 channels and more 3x3 kernels take another way, in tiles of 2x2 pixels.
    {"many_channels", {2, 4, 6, 16}, {3, 3, 16, 16}, true, {.padding = 1}},
    {"many_channels_odd", {3, 5, 3, 18}, {3, 3, 18, 17}, true, {.padding = 1}},
    {"many_channels_unpadded", {2, 6, 5, 16}, {3, 3, 16, 19}, false, {}},
    {"many_channels_paddings", {2, 3, 4, 17}, {3, 3, 17, 16}, true, {.padding = {2, 0}}},
    {"many_channels_padding_beyond", {1, 2, 3, 16}, {3, 3, 16, 16}, true, {.padding = 3}},
    {"many_channels_direct",
     {2, 5, 4, 16},
     {3, 3, 16, 17},
     true,
     {.padding = 1, .algorithm = Conv2dAlgorithm::direct}},
    {"everything",
     {2, 8, 9, 4},
     {2, 3, 2, 6},
     true,
     {.stride = {3, 2}, .padding = {1, 2}, .dilation = {2, 1}, .groups = 2}},
};

class Conv2d : public ::testing::TestWithParam<Case> {};

Variable convolve(const std::vector<Variable>& inputs, const Conv2dOptions& options) {
  return conv2d(inputs[0], inputs[1], inputs.size() > 2 ? inputs[2] : Variable(), options);
}

std::vector<Tensor> inputs_of(const Case& c, DType dtype) {
  std::vector<Tensor> inputs = {random_tensor(c.x, 1, dtype), random_tensor(c.weight, 2, dtype)};
  if (c.bias) inputs.push_back(random_tensor({c.weight[3]}, 3, dtype));
  return inputs;
}

TEST_P(Conv2d, GradientsMatchCentralDifferences) {
  const Case& c = GetParam();
  const GradcheckResult result = gradcheck(
      [&](const std::vector<Variable>& v) { return convolve(v, c.options); }, inputs_of(c, DType::float64));
  EXPECT_TRUE(result) << result.message;
}

Values to_values(const Tensor& tensor) {
  const Tensor exact = tensor.to(DType::float64);
  const auto values = exact.values<double>();
  return {values.begin(), values.end()};
}

void expect_close(const Tensor& found, const Values& expected, double tolerance) {
  const Values values = to_values(found);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance) << "element " << i;
}

// Both element types against the definition, forward and all gradients.
TEST_P(Conv2d, MatchesTheDefinition) {
  const Case& c = GetParam();
  const Conv2dOptions& o = c.options;
  const ReferenceConv2d reference{.n = c.x[0],
                                  .h = c.x[1],
                                  .w = c.x[2],
                                  .c = c.x[3],
                                  .kh = c.weight[0],
                                  .kw = c.weight[1],
                                  .k = c.weight[3],
                                  .stride_h = o.stride.h,
                                  .stride_w = o.stride.w,
                                  .pad_h = o.padding.h,
                                  .pad_w = o.padding.w,
                                  .dilation_h = o.dilation.h,
                                  .dilation_w = o.dilation.w,
                                  .groups = o.groups};
  for (const DType dtype : {DType::float32, DType::float64}) {
    // Sums of less than 200 products of size 1, each rounded.
    const double tolerance = dtype == DType::float32 ? 2e-5 : 1e-13;
    std::vector<Variable> inputs;
    for (const Tensor& value : inputs_of(c, dtype)) inputs.emplace_back(value, true);
    const Values x = to_values(inputs[0].value()), weight = to_values(inputs[1].value());
    const Variable y = convolve(inputs, o);
    ASSERT_EQ(y.shape(), (Shape{c.x[0], reference.oh(), reference.ow(), c.weight[3]}));
    expect_close(y.value(),
                 reference.forward(x, weight,
                                   c.bias ? to_values(inputs[2].value()) : Values(testing::at(c.weight[3]))),
                 tolerance);
    const Tensor dy = random_tensor(y.shape(), 4, dtype);
    y.backward(dy);
    expect_close(inputs[0].grad(), reference.input_gradient(weight, to_values(dy)), tolerance);
    expect_close(inputs[1].grad(), reference.weight_gradient(x, to_values(dy)), tolerance);
    if (!c.bias) continue;
    Values dbias(testing::at(c.weight[3]));
    const Values dys = to_values(dy);
    for (std::size_t i = 0; i < dys.size(); ++i) dbias[i % dbias.size()] += dys[i];
    expect_close(inputs[2].grad(), dbias, tolerance);
  }
}

// With this many channels the gradient of the weight is summed directly.
TEST(Conv2dOfManyChannels, HasTheGradientsOfDirectSums) {
  const Index channels = 264;
  ASSERT_GT(channels * channels, 256 * 256);
  const auto gradients = [&](Conv2dAlgorithm algorithm) {
    const Variable x(random_tensor({1, 4, 3, channels}, 1, DType::float64), true);
    const Variable weight(random_tensor({3, 3, channels, channels}, 2, DType::float64), true);
    const Variable y = conv2d(x, weight, {}, {.padding = 1, .algorithm = algorithm});
    y.backward(random_tensor(y.shape(), 3, DType::float64));
    return std::pair(x.grad(), weight.grad());
  };
  const auto [dx, dweight] = gradients(Conv2dAlgorithm::fastest);
  const auto [direct_dx, direct_dweight] = gradients(Conv2dAlgorithm::direct);
  expect_close(dx, to_values(direct_dx), 1e-11);
  EXPECT_EQ(to_values(dweight), to_values(direct_dweight));
}

INSTANTIATE_TEST_SUITE_P(Options, Conv2d, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

// Forward and all gradients of one step, large enough that threads are started.
std::vector<Tensor> one_step(int threads) {
  set_num_threads(threads);
  const Variable x(random_tensor({18, 13, 12, 6}, 1, DType::float32), true);
  const Variable weight(random_tensor({3, 3, 6, 35}, 2, DType::float32), true);
  const Variable bias(random_tensor({35}, 3, DType::float32), true);
  const Variable y = conv2d(x, weight, bias, {.padding = 1});
  y.backward(random_tensor(y.shape(), 4, DType::float32));
  return {y.value(), x.grad(), weight.grad(), bias.grad()};
}

TEST(Conv2dOp, SameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const std::vector<Tensor> one = one_step(1), three = one_step(3);
  set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i)
    EXPECT_EQ(to_values(one[i]), to_values(three[i])) << "result " << i;
}

TEST(Conv2dOp, GivesNoGradientToInputsThatWantNone) {
  const Variable x(random_tensor({2, 4, 4, 3})), weight(random_tensor({3, 3, 3, 2}), true);
  const Variable y = conv2d(x, weight);
  y.backward(random_tensor(y.shape()));
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(weight.grad().defined());
}

TEST(Conv2dOp, TakesAnEmptyBatch) {
  const Variable x(Tensor::empty({0, 4, 5, 3}), true), weight(Tensor::ones({3, 3, 3, 2}), true);
  const Variable y = conv2d(x, weight);
  ASSERT_EQ(y.shape(), (Shape{0, 2, 3, 2}));
  y.backward(Tensor::empty(y.shape()));
  EXPECT_EQ(weight.grad().at({1, 1, 1, 1}), 0);
}

TEST(Conv2dOp, SamePadding) {
  EXPECT_EQ(same_padding(3), Pair(1));
  EXPECT_EQ(same_padding({1, 5}, {1, 2}), Pair(0, 4));
  const Variable y = conv2d(Variable(Tensor::ones({1, 6, 7, 1})), Variable(Tensor::ones({3, 5, 1, 1})), {},
                            {.padding = same_padding({3, 5}, 2), .dilation = 2});
  EXPECT_EQ(y.shape(), (Shape{1, 6, 7, 1}));
}

// The message of the E that f throws.
template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing of this kind was thrown";
}

template <class E>
std::string message_of(const Shape& x, const Shape& weight, const Conv2dOptions& options = {},
                       const Shape& bias = {4}) {
  return message_of<E>([&] {
    conv2d(Variable(Tensor::ones(x)), Variable(Tensor::ones(weight)), Variable(Tensor::ones(bias)), options);
  });
}

TEST(Conv2dOp, NamesShapesThatDoNotFit) {
  EXPECT_EQ(message_of<ShapeError>({64, 28, 28, 3}, {3, 3, 1, 4}),
            "[conv2d] input [64,28,28,3] has 3 channels, weight [3,3,1,4] expects 1");
  EXPECT_EQ(message_of<ShapeError>({8, 5, 5, 6}, {3, 3, 2, 4}, {.groups = 2}),
            "[conv2d] input [8,5,5,6] has 6 channels in 2 groups, weight [3,3,2,4] expects 4");
  EXPECT_EQ(message_of<ShapeError>({8, 784}, {3, 3, 1, 4}),
            "[conv2d] expects an input [N,H,W,C], found [8,784]");
  EXPECT_EQ(message_of<ShapeError>({8, 5, 5, 1}, {9, 4}),
            "[conv2d] expects a weight [KH,KW,C/groups,K] without empty axes, found [9,4]");
  EXPECT_EQ(message_of<ShapeError>({8, 5, 5, 1}, {3, 3, 1, 4}, {}, {3}),
            "[conv2d] bias [3] does not fit weight [3,3,1,4]: expects [4]");
  EXPECT_EQ(message_of<ShapeError>({8, 5, 5, 4}, {3, 3, 1, 4}, {.groups = 3}),
            "[conv2d] the 4 channels of input [8,5,5,4] cannot be cut into 3 groups");
  EXPECT_EQ(message_of<ShapeError>({8, 5, 5, 6}, {3, 3, 2, 4}, {.groups = 3}),
            "[conv2d] the 4 output channels of weight [3,3,2,4] cannot be cut into 3 groups");
  EXPECT_EQ(message_of<ShapeError>({8, 2, 9, 1}, {3, 3, 1, 4}, {.padding = {1, 0}, .dilation = {2, 1}}),
            "[conv2d] weight [3,3,1,4] with dilation 2x1 covers 5x3 pixels, input [8,2,9,1] with padding 1x0 "
            "has 4x9");
}

TEST(Conv2dOp, NamesOptionsOutOfRange) {
  const Shape x{8, 5, 5, 1}, weight{3, 3, 1, 4};
  EXPECT_EQ(message_of<ValueError>(x, weight, {.stride = {1, 0}}), "[conv2d] stride 1x0: expects at least 1");
  EXPECT_EQ(message_of<ValueError>(x, weight, {.dilation = 0}), "[conv2d] dilation 0x0: expects at least 1");
  EXPECT_EQ(message_of<ValueError>(x, weight, {.padding = {-1, 0}}),
            "[conv2d] padding -1x0: expects at least 0");
  EXPECT_EQ(message_of<ValueError>(x, weight, {.groups = 0}), "[conv2d] groups 0: expects at least 1");
  // Products of such numbers leave int64: 2^62 times the 4 steps of 5 taps is 0.
  constexpr Index huge = Index(1) << 62;
  EXPECT_EQ(message_of<ValueError>(x, {5, 3, 1, 4}, {.dilation = {huge, 1}}),
            "[conv2d] dilation 4611686018427387904x1: expects at most 2147483647");
  EXPECT_EQ(message_of<ValueError>(x, weight, {.stride = {1, huge}}),
            "[conv2d] stride 1x4611686018427387904: expects at most 2147483647");
  EXPECT_EQ(message_of<ValueError>(x, weight, {.padding = {2147483648, 0}}),
            "[conv2d] padding 2147483648x0: expects at most 2147483647");
  EXPECT_EQ(message_of<ShapeError>({0, 2147483648, 3, 1}, weight),
            "[conv2d] input [0,2147483648,3,1]: expects at most 2147483647 pixels along an axis");
  EXPECT_EQ(message_of<ValueError>([] { same_padding(3, huge); }),
            "[same_padding] dilation 4611686018427387904x4611686018427387904: expects at most 2147483647");
  EXPECT_EQ(message_of<ValueError>([] {
              same_padding({3, 2});
            }),
            "[same_padding] kernel 3x2 with dilation 1x1 needs unequal padding: expects an odd kernel");
}

TEST(Conv2dOp, NamesElementTypesThatDiffer) {
  const Variable x(Tensor::ones({2, 5, 5, 1})), weight(Tensor::ones({3, 3, 1, 4}));
  EXPECT_EQ(message_of<DTypeError>([&] { conv2d(x, Variable(weight.value().to(DType::float64))); }),
            "[conv2d] input has float32 elements, weight float64");
  EXPECT_EQ(message_of<DTypeError>([&] { conv2d(x, weight, Variable(Tensor::ones({4}, DType::float64))); }),
            "[conv2d] input has float32 elements, bias float64");
  EXPECT_EQ(message_of<DTypeError>([&] {
              conv2d(Variable(Tensor::ones({2, 5, 5, 1}, DType::int32)),
                     Variable(Tensor::ones({3, 3, 1, 4}, DType::int32)));
            }),
            "[conv2d] expects float32 or float64 elements, found int32");
}

}  // namespace
}  // namespace keel
