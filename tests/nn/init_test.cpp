#include "keel/nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "keel/core/parallel.h"

namespace keel::nn {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

Tensor drawn(const Initializer& initializer, const Shape& shape, const Fans& fans,
             DType dtype = DType::float64) {
  Tensor tensor = Tensor::full(shape, kNaN, dtype);
  Rng rng(11, Stream::initialization);
  initializer(tensor, fans, rng);
  return tensor;
}

struct Moments {
  double mean = 0, variance = 0, smallest = 0, largest = 0;
};
Moments moments_of(const Tensor& tensor) {
  const auto values = tensor.values<double>();
  const double n = static_cast<double>(values.size());
  Moments found;
  for (const double x : values) found.mean += x / n;
  for (const double x : values) found.variance += (x - found.mean) * (x - found.mean) / n;
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  found.smallest = *smallest;
  found.largest = *largest;
  return found;
}

// Both intervals are five standard errors wide on each side: of the mean sigma / sqrt(n), of the variance
// sigma^2 * sqrt((kurtosis - 1) / n), the kurtosis being 1.8 for the uniform and 3 for the normal
// distribution.
void expect_moments(const Moments& found, double mean, double variance, double kurtosis, Index numel) {
  const double n = static_cast<double>(numel);
  EXPECT_NEAR(found.mean, mean, 5 * std::sqrt(variance / n));
  EXPECT_NEAR(found.variance, variance, 5 * variance * std::sqrt((kurtosis - 1) / n));
}

void expect_uniform(const Tensor& tensor, double low, double high) {
  const Moments found = moments_of(tensor);
  const double width = high - low, n = static_cast<double>(tensor.numel());
  expect_moments(found, (low + high) / 2, width * width / 12, 1.8, tensor.numel());
  EXPECT_GE(found.smallest, low);
  EXPECT_LE(found.largest, high);
  // The whole interval is used: all n values miss its outer 15 / n part with a probability of exp(-15) =
  // 3e-7.
  EXPECT_LT(found.smallest, low + 15 * width / n);
  EXPECT_GT(found.largest, high - 15 * width / n);
}

void expect_normal(const Tensor& tensor, double mean, double deviation) {
  const Moments found = moments_of(tensor);
  expect_moments(found, mean, deviation * deviation, 3, tensor.numel());
  // Not truncated at two deviations: one value in 22 lies beyond. And none of some 1e4 beyond 6 (2e-9 each).
  EXPECT_LT(found.smallest, mean - 2.5 * deviation);
  EXPECT_GT(found.largest, mean + 2.5 * deviation);
  EXPECT_GT(found.smallest, mean - 6 * deviation);
  EXPECT_LT(found.largest, mean + 6 * deviation);
}

TEST(Init, Fans) {
  const auto expect_fans = [](const Shape& shape, Index fan_in, Index fan_out) {
    EXPECT_EQ(fans_of(shape).fan_in, fan_in) << shape.to_string();
    EXPECT_EQ(fans_of(shape).fan_out, fan_out) << shape.to_string();
  };
  expect_fans({784, 128}, 784, 128);
  expect_fans({3, 5, 4, 32}, 60, 480);
  expect_fans({3, 3, 1, 32}, 9, 288);  // depthwise: PyTorch's [32,1,3,3] has the same
  expect_fans({3, 4, 6}, 12, 18);
  EXPECT_EQ(message_of<ShapeError>([] { fans_of({10}); }),
            "[fans_of] weight [10] has rank 1, expected 2 or more");
}

const Shape kShape = {60, 200};  // 12,000 values
const Fans kFans = {.fan_in = 60, .fan_out = 200};

TEST(Init, Constants) {
  const Shape shape = {3, 5};
  for (const double x : drawn(zeros(), shape, {}).values<double>()) EXPECT_EQ(x, 0);
  for (const double x : drawn(ones(), shape, {}).values<double>()) EXPECT_EQ(x, 1);
  for (const double x : drawn(constant(-2.5), shape, {}).values<double>()) EXPECT_EQ(x, -2.5);
}

TEST(Init, UniformDistributions) {
  expect_uniform(drawn(uniform(-1, 3), kShape, {}), -1, 3);
  const double glorot = std::sqrt(6.0 / 260), he = std::sqrt(6.0 / 60), pytorch = 1 / std::sqrt(60.0);
  expect_uniform(drawn(glorot_uniform(), kShape, kFans), -glorot, glorot);
  expect_uniform(drawn(he_uniform(), kShape, kFans), -he, he);
  expect_uniform(drawn(pytorch_default(), kShape, kFans), -pytorch, pytorch);
}

TEST(Init, NormalDistributions) {
  expect_normal(drawn(normal(2, 0.5), kShape, {}), 2, 0.5);
  expect_normal(drawn(glorot_normal(), kShape, kFans), 0, std::sqrt(2.0 / 260));
  expect_normal(drawn(he_normal(), kShape, kFans), 0, std::sqrt(2.0 / 60));
}

TEST(Init, BiasTakesTheFansOfItsWeight) {
  const double bound = 1 / std::sqrt(60.0);
  expect_uniform(drawn(pytorch_default(), {500}, kFans), -bound, bound);
}

TEST(Init, DrawsInRowMajorOrder) {
  const Tensor found = drawn(uniform(-1, 1), {4, 3}, {});
  Rng rng(11, Stream::initialization);
  for (const double x : found.values<double>()) EXPECT_EQ(x, rng.uniform(-1, 1));
  // A second tensor goes on where the first one ended.
  Tensor a = Tensor::empty({2}, DType::float64), b = Tensor::empty({3}, DType::float64);
  Rng stream(11, Stream::initialization);
  uniform(-1, 1)(a, {}, stream);
  uniform(-1, 1)(b, {}, stream);
  EXPECT_EQ(b.data<double>()[2], found.data<double>()[4]);
}

TEST(Init, Float32IsFloat64Rounded) {
  for (const std::string& name : initializer_names()) {
    const Initializer initializer = initializer_by_name(name);
    const Tensor wide = drawn(initializer, {7, 9}, {7, 9}),
                 narrow = drawn(initializer, {7, 9}, {7, 9}, DType::float32);
    for (Index i = 0; i < wide.numel(); ++i) {
      EXPECT_EQ(narrow.data<float>()[i], static_cast<float>(wide.data<double>()[i])) << name;
    }
  }
}

TEST(Init, SameBitsForAnyNumberOfThreads) {
  const int threads_before = num_threads();
  set_num_threads(1);
  const Tensor one = drawn(he_normal(), {300, 400}, {300, 400}, DType::float32);
  set_num_threads(3);
  const Tensor three = drawn(he_normal(), {300, 400}, {300, 400}, DType::float32);
  set_num_threads(threads_before);
  EXPECT_EQ(std::memcmp(one.bytes(), three.bytes(), one.num_bytes()), 0);
}

TEST(Init, OrthogonalHasOrthonormalColumnsOrRows) {
  for (const Shape& shape : {Shape{7, 4}, {4, 7}, {5, 5}, {2, 3, 4}}) {
    const Tensor drawn_tensor = drawn(orthogonal(), shape, {});
    const Index columns = shape[-1], rows = shape.numel() / columns;
    const double* w = drawn_tensor.data<double>();
    const bool tall = rows >= columns;
    const Index count = tall ? columns : rows, length = tall ? rows : columns;
    const auto element = [&](Index vector, Index i) {
      return tall ? w[i * columns + vector] : w[vector * columns + i];
    };
    for (Index a = 0; a < count; ++a) {
      for (Index b = 0; b <= a; ++b) {
        double product = 0;
        for (Index i = 0; i < length; ++i) product += element(a, i) * element(b, i);
        EXPECT_NEAR(product, a == b ? 1 : 0, 1e-14) << shape.to_string() << " " << a << " " << b;
      }
    }
  }
}

TEST(Init, IdentityIsOneOnTheDiagonal) {
  const Tensor wide = drawn(identity(), {2, 3}, {});
  EXPECT_EQ(std::vector<double>(wide.values<double>().begin(), wide.values<double>().end()),
            (std::vector<double>{1, 0, 0, 0, 1, 0}));
}

TEST(Init, KnowsPyTorchsDefault) {
  EXPECT_TRUE(is_pytorch_default(pytorch_default()));
  EXPECT_TRUE(is_pytorch_default(initializer_by_name("pytorch_default")));
  EXPECT_FALSE(is_pytorch_default(he_uniform()));
  EXPECT_FALSE(is_pytorch_default({}));
}

TEST(Init, ByName) {
  EXPECT_EQ(initializer_names(), (std::vector<std::string>{
                                     "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity",
                                     "normal", "ones", "orthogonal", "pytorch_default", "uniform", "zeros"}));
  const auto same = [](const Initializer& a, const Initializer& b) {
    const Tensor x = drawn(a, {4, 5}, {4, 5}), y = drawn(b, {4, 5}, {4, 5});
    return std::memcmp(x.bytes(), y.bytes(), x.num_bytes()) == 0;
  };
  EXPECT_TRUE(same(initializer_by_name("glorot_normal"), glorot_normal()));
  EXPECT_TRUE(same(initializer_by_name("glorot_uniform"), glorot_uniform()));
  EXPECT_TRUE(same(initializer_by_name("he_normal"), he_normal()));
  EXPECT_TRUE(same(initializer_by_name("he_uniform"), he_uniform()));
  EXPECT_TRUE(same(initializer_by_name("normal"), normal(0, 0.05)));
  EXPECT_TRUE(same(initializer_by_name("ones"), constant(1)));
  EXPECT_TRUE(same(initializer_by_name("pytorch_default"), pytorch_default()));
  EXPECT_TRUE(same(initializer_by_name("uniform"), uniform(-0.05, 0.05)));
  EXPECT_TRUE(same(initializer_by_name("zeros"), constant(0)));
  EXPECT_TRUE(same(bias_initializer_for("pytorch_default"), pytorch_default()));
  EXPECT_TRUE(same(bias_initializer_for("he_normal"), zeros()));
  const std::string unknown =
      "[initializer_by_name] no initialiser 'xavier'; there are glorot_normal, glorot_uniform, he_normal, "
      "he_uniform, identity, normal, ones, orthogonal, pytorch_default, uniform, zeros";
  EXPECT_EQ(message_of<ValueError>([] { initializer_by_name("xavier"); }), unknown);
  EXPECT_EQ(message_of<ValueError>([] { bias_initializer_for("xavier"); }), unknown);
}

TEST(Init, RejectsBadInput) {
  EXPECT_EQ(message_of<ShapeError>([] { drawn(orthogonal(), {3}, {}); }),
            "[orthogonal] expected a tensor of at least two axes, found [3]");
  EXPECT_EQ(message_of<ShapeError>([] {
              drawn(identity(), {1, 1, 3}, {});
            }),
            "[identity] expected a matrix, found [1,1,3]");
  EXPECT_EQ(message_of<ValueError>([] { drawn(he_normal(), {3}, {}); }),
            "[he_normal] fan_in 0, fan_out 0: expected both >= 1");
  EXPECT_EQ(message_of<DTypeError>([] {
              drawn(glorot_uniform(), {2, 3}, {2, 3}, DType::int32);
            }),
            "[glorot_uniform] expects float32 or float64 elements, found int32");
  EXPECT_EQ(message_of<ValueError>([] { normal(0, -1); }),
            "[normal] mean 0, deviation -1: expected finite numbers, the deviation >= 0");
  EXPECT_EQ(message_of<ValueError>([] { normal(kNaN, 1); }),
            "[normal] mean nan, deviation 1: expected finite numbers, the deviation >= 0");
  EXPECT_EQ(message_of<ValueError>([] { uniform(2, 1); }),
            "[uniform] from 2 to 1: expected finite numbers in ascending order");
}

}  // namespace
}  // namespace keel::nn
