#include "keel/ops/pool2d.h"

#include <gtest/gtest.h>

#include <limits>

#include "keel/autograd/gradcheck.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::random_tensor;
using Inputs = std::vector<Variable>;

struct Case {
  const char* name;
  Shape x;
  Pair kernel, stride, padding;
  Shape y;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const Case kCases[] = {
    {"plain", {2, 4, 6, 3}, 2, 0, 0, {2, 2, 3, 3}},
    {"uneven", {2, 5, 7, 2}, {2, 3}, 0, 0, {2, 2, 2, 2}},
    {"overlapping", {2, 7, 5, 3}, 3, 2, 0, {2, 3, 2, 3}},
    {"gaps", {2, 7, 8, 2}, {1, 2}, {2, 3}, 0, {2, 4, 3, 2}},
    {"padding", {2, 6, 5, 3}, 3, 2, 1, {2, 3, 3, 3}},
    {"uneven_padding", {2, 4, 3, 2}, {2, 4}, {1, 2}, {1, 2}, {2, 5, 2, 2}},
};

class Pool2d : public ::testing::TestWithParam<Case> {};

// Random real numbers have no ties.
void check_gradient(const Case& c, const DifferentiableFunction& pool) {
  const GradcheckResult result = gradcheck(pool, {random_tensor(c.x)});
  EXPECT_TRUE(result) << result.message;
  EXPECT_EQ(pool({Variable(random_tensor(c.x))}).shape(), c.y);
}

TEST_P(Pool2d, GradientsMatchCentralDifferences) {
  const Case& c = GetParam();
  check_gradient(c, [&](const Inputs& v) { return max_pool2d(v[0], {c.kernel, c.stride, c.padding}); });
  for (const bool count_include_pad : {true, false}) {
    check_gradient(c, [&](const Inputs& v) {
      return avg_pool2d(v[0], {c.kernel, c.stride, c.padding, count_include_pad});
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Options, Pool2d, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(GlobalAvgPool2d, GradientMatchesCentralDifferences) {
  const GradcheckResult result =
      gradcheck([](const Inputs& v) { return global_avg_pool2d(v[0]); }, {random_tensor({2, 3, 5, 4})});
  EXPECT_TRUE(result) << result.message;
}

TEST(GlobalAvgPool2d, IsTheMeanOfEachChannel) {
  const Variable y =
      global_avg_pool2d(Variable(Tensor::from<float>({2, 1, 2, 2}, {1, 10, 3, 20, 5, 30, 9, 50})));
  ASSERT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_EQ(y.value().at({0, 0}), 2);
  EXPECT_EQ(y.value().at({0, 1}), 15);
  EXPECT_EQ(y.value().at({1, 0}), 7);
  EXPECT_EQ(y.value().at({1, 1}), 40);
}

TEST(MaxPool2d, GradientGoesToTheFirstOfEquals) {
  const Variable x(Tensor::from<float>({1, 2, 4, 1}, {1, 3, 2, 2, 3, 3, 2, 2}), true);
  max_pool2d(x).backward(Tensor::from<float>({1, 1, 2, 1}, {5, 7}));
  EXPECT_EQ(x.grad().at({0, 0, 1, 0}), 5);
  EXPECT_EQ(x.grad().at({0, 0, 2, 0}), 7);
  EXPECT_EQ(x.grad().at({0, 1, 0, 0}), 0);
}

TEST(MaxPool2d, PaddingIsNeverTheMaximum) {
  const Variable y = max_pool2d(Variable(Tensor::full({1, 3, 3, 2}, -5)), {.kernel = 2, .padding = 1});
  ASSERT_EQ(y.shape(), (Shape{1, 2, 2, 2}));
  for (const float value : y.value().values<float>()) EXPECT_EQ(value, -5);
}

TEST(MaxPool2d, PassesNaNOn) {
  Tensor x = Tensor::ones({1, 2, 4, 1});
  x.data<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = max_pool2d(Variable(x)).value();
  EXPECT_EQ(y.at({0, 0, 0, 0}), 1);
  EXPECT_NE(y.at({0, 0, 1, 0}), y.at({0, 0, 1, 0}));
}

TEST(AvgPool2d, CountsPaddingUnlessTold) {
  const Variable x(Tensor::full({1, 2, 2, 1}, 6));
  EXPECT_EQ(avg_pool2d(x, {.kernel = 2, .padding = 1}).value().at({0, 0, 0, 0}), 1.5);
  EXPECT_EQ(avg_pool2d(x, {.kernel = 2, .padding = 1, .count_include_pad = false}).value().at({0, 0, 0, 0}),
            6);
}

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
std::string max_message(const Shape& x, const MaxPool2dOptions& options = {}, DType dtype = DType::float32) {
  return message_of<E>([&] { max_pool2d(Variable(Tensor::ones(x, dtype)), options); });
}

TEST(Pool2dErrors, NameWhatDoesNotFit) {
  EXPECT_EQ(max_message<ShapeError>({8, 784}),
            "[max_pool2d] expects an input [N,H,W,C] with pixels, found [8,784]");
  EXPECT_EQ(max_message<ShapeError>({8, 0, 4, 1}, {.padding = 1}),
            "[max_pool2d] expects an input [N,H,W,C] with pixels, found [8,0,4,1]");
  EXPECT_EQ(max_message<ShapeError>({8, 2, 1, 3}, {.kernel = {2, 4}, .padding = {0, 1}}),
            "[max_pool2d] kernel 2x4 is larger than the 2x3 pixels of input [8,2,1,3] with padding 0x1");
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.kernel = 0}),
            "[max_pool2d] kernel 0x0: expects at least 1");
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.stride = {1, -1}}),
            "[max_pool2d] stride 1x-1: expects at least 1, or 0 for the kernel's");
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.kernel = 3, .padding = {1, 2}}),
            "[max_pool2d] padding 1x2: expects 0 to half of the kernel 3x3");
  constexpr Index huge = Index(1) << 62;
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.kernel = {2, huge}, .padding = {0, huge}}),
            "[max_pool2d] kernel 2x4611686018427387904: expects at most 2147483647");
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.stride = {2147483648, 1}}),
            "[max_pool2d] stride 2147483648x1: expects at most 2147483647");
  EXPECT_EQ(max_message<ValueError>({8, 4, 4, 3}, {.padding = {huge, 0}}),
            "[max_pool2d] padding 4611686018427387904x0: expects 0 to half of the kernel 2x2");
  EXPECT_EQ(max_message<ShapeError>({0, 2147483648, 4, 3}),
            "[max_pool2d] input [0,2147483648,4,3]: expects at most 2147483647 pixels along an axis");
  EXPECT_EQ(max_message<DTypeError>({8, 4, 4, 3}, {}, DType::uint8),
            "[max_pool2d] expects float32 or float64 elements, found uint8");
  EXPECT_EQ(message_of<ShapeError>([] {
              avg_pool2d(Variable(Tensor::ones({4, 4, 3})));
            }),
            "[avg_pool2d] expects an input [N,H,W,C] with pixels, found [4,4,3]");
  EXPECT_EQ(message_of<ShapeError>([] {
              global_avg_pool2d(Variable(Tensor::ones({4, 3, 0, 2})));
            }),
            "[global_avg_pool2d] expects an input [N,H,W,C] with pixels, found [4,3,0,2]");
}

}  // namespace
}  // namespace keel
