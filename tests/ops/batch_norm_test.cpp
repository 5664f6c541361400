#include "keel/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "keel/autograd/gradcheck.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/reduction.h"
#include "support/check_module.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::random_tensor;
using testing::same_bits;
using Inputs = std::vector<Variable>;

// Few rows, where the terms of the gradient that are of order 1 / rows weigh as much as the first.
struct RowsCase {
  const char* name;
  Shape shape;
};
void PrintTo(const RowsCase& c, std::ostream* out) { *out << c.name; }

class BatchNormGradients : public ::testing::TestWithParam<RowsCase> {};

TEST_P(BatchNormGradients, MatchCentralDifferences) {
  const Shape shape = GetParam().shape;
  const Tensor x = random_tensor(shape), gamma = random_tensor({shape[-1]}, 2),
               beta = random_tensor({shape[-1]}, 3);
  const auto training = [](const Inputs& v) { return batch_norm(v[0], v[1], v[2], 1e-3).y; };
  GradcheckResult result = gradcheck(training, {x, gamma, beta});
  EXPECT_TRUE(result) << result.message;

  result = gradcheck([](const Inputs& v) { return batch_norm(v[0], Variable(), v[1], 1e-3).y; }, {x, beta});
  EXPECT_TRUE(result) << "center only: " << result.message;
  result = gradcheck([](const Inputs& v) { return batch_norm(v[0], v[1], Variable(), 1e-3).y; }, {x, gamma});
  EXPECT_TRUE(result) << "scale only: " << result.message;
  result = gradcheck([](const Inputs& v) { return batch_norm(v[0], Variable(), Variable(), 1e-3).y; }, {x});
  EXPECT_TRUE(result) << "neither: " << result.message;

  const BatchStatistics statistics{random_tensor({shape[-1]}, 4),
                                   Tensor::full({shape[-1]}, 1.7, DType::float64)};
  const auto inference = [&](const Inputs& v) {
    return batch_norm_inference(v[0], v[1], v[2], statistics, 1e-3);
  };
  result = gradcheck(inference, {x, gamma, beta});
  EXPECT_TRUE(result) << "inference: " << result.message;

  const auto activated = [](const Inputs& v) {
    return batch_norm(v[0], v[1], v[2], 1e-3, Activation::relu).y;
  };
  result = gradcheck(activated, {x, gamma, beta});
  EXPECT_TRUE(result) << "with relu: " << result.message;
}

INSTANTIATE_TEST_SUITE_P(Shapes, BatchNormGradients,
                         ::testing::Values(RowsCase{"rows2", {2, 3}}, RowsCase{"rows5", {5, 2}},
                                           RowsCase{"images", {2, 2, 3, 5}}, RowsCase{"sequence", {2, 3, 4}},
                                           RowsCase{"channels70", {3, 70}}),
                         [](const auto& each) { return each.param.name; });

// A line-by-line transcription of the formulas, in double.
struct Expected {
  std::vector<double> y, mean, variance;
};
Expected reference(const Tensor& x, double epsilon) {
  const Tensor exact = x.to(DType::float64);
  const Index channels = x.size(-1), rows = x.numel() / channels;
  Expected e{std::vector<double>(static_cast<std::size_t>(x.numel())), {}, {}};
  for (Index c = 0; c < channels; ++c) {
    long double mean = 0, variance = 0;
    const auto at = [&](Index r) { return static_cast<long double>(exact.data<double>()[r * channels + c]); };
    for (Index r = 0; r < rows; ++r) mean += at(r) / static_cast<long double>(rows);
    for (Index r = 0; r < rows; ++r)
      variance += (at(r) - mean) * (at(r) - mean) / static_cast<long double>(rows);
    for (Index r = 0; r < rows; ++r) {
      e.y[static_cast<std::size_t>(r * channels + c)] =
          static_cast<double>((at(r) - mean) / std::sqrt(variance + static_cast<long double>(epsilon)));
    }
    e.mean.push_back(static_cast<double>(mean));
    e.variance.push_back(static_cast<double>(variance));
  }
  return e;
}

TEST(BatchNorm, NormalisesManyRowsAsTheFormulaSays) {
  // More rows than a chunk of partial sums holds, an odd number of channels beyond one register block.
  const Tensor x = random_tensor({601, 67}, 5, DType::float32);
  const BatchNormResult result = batch_norm(Variable(x), Variable(), Variable(), 1e-5);
  const Expected expected = reference(x, 1e-5);
  for (Index i = 0; i < x.numel(); ++i) {
    ASSERT_NEAR(result.y.value().data<float>()[i], expected.y[static_cast<std::size_t>(i)], 2e-6);
  }
  for (Index c = 0; c < 67; ++c) {
    EXPECT_NEAR(result.statistics.mean.data<float>()[c], expected.mean[static_cast<std::size_t>(c)], 1e-7);
    EXPECT_NEAR(result.statistics.variance.data<float>()[c], expected.variance[static_cast<std::size_t>(c)],
                2e-6);
  }
}

TEST(BatchNorm, ALargeMeanDoesNotDrownASmallDeviation) {
  // In float32, 1e4 has a spacing of 1e-3: a naive mean of squares (1e8) could not even tell the variance
  // from 0.
  for (const Index rows : {32, 1000}) {
    Tensor x = random_tensor({rows, 3}, 6);
    for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = 1e4 + 0.1 * x.data<double>()[i];
    x = x.to(DType::float32);
    const BatchNormResult result = batch_norm(Variable(x), Variable(), Variable(), 1e-5);
    const Expected expected =
        reference(x, 1e-5);  // of the rounded input: rounding it is not the layer's doing
    for (Index i = 0; i < x.numel(); ++i) {
      ASSERT_NEAR(result.y.value().data<float>()[i], expected.y[static_cast<std::size_t>(i)], 1e-5)
          << "rows " << rows;
    }
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(result.statistics.variance.data<float>()[c] / expected.variance[c], 1, 1e-5);
    }
  }
}

TEST(BatchNorm, AnOutlierInTheFirstRowDoesNoHarm) {
  Tensor x = random_tensor({400, 2}, 9, DType::float32);
  x.data<float>()[0] = 1e5F;
  const Expected expected = reference(x, 1e-5);
  const BatchNormResult result = batch_norm(Variable(x), Variable(), Variable(), 1e-5);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(result.statistics.variance.data<float>()[c] / expected.variance[c], 1, 1e-5);
    EXPECT_NEAR(result.statistics.mean.data<float>()[c], expected.mean[c],
                1e-6 * (1 + std::abs(expected.mean[c])));
  }
}

TEST(BatchNorm, DeviationsWhoseSquaresOverflowNormalise) {
  // 1e20 squared is beyond float32, and 600 times 3e36 is, too.
  for (const double size : {1e20, 3e36}) {
    Tensor x = random_tensor({600, 3}, 8);
    for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = size * (5 + x.data<double>()[i]);
    x = x.to(DType::float32);
    const Tensor y = batch_norm(Variable(x), Variable(), Variable(), 1e-5).y.value();
    const Expected expected = reference(x, 1e-5);
    for (Index i = 0; i < x.numel(); ++i) {
      ASSERT_NEAR(y.data<float>()[i], expected.y[static_cast<std::size_t>(i)], 1e-5) << "size " << size;
    }
  }
}

TEST(BatchNorm, AConstantChannelGivesExactlyBeta) {
  const Tensor gamma = Tensor::from<float>({3}, {2, -1.5F, 0.25F}),
               beta = Tensor::from<float>({3}, {0.1F, -7, 3});
  Tensor x = Tensor::empty({37, 3});
  for (Index i = 0; i < x.numel(); ++i) x.data<float>()[i] = std::array{0.1F, -12345.678F, 0.0F}[i % 3];
  // The smallest epsilon is the smallest positive float32.
  for (const double epsilon : {1e-5, static_cast<double>(std::numeric_limits<float>::denorm_min())}) {
    const Tensor y = batch_norm(Variable(x), Variable(gamma), Variable(beta), epsilon).y.value();
    for (Index i = 0; i < y.numel(); ++i) ASSERT_EQ(y.data<float>()[i], beta.data<float>()[i % 3]);
  }
}

// Everything that comes out of f(x, gamma, beta): values, then the gradients of all three.
template <class F>
std::vector<Tensor> values_and_gradients(const std::vector<Tensor>& inputs, const Tensor& dy, const F& f) {
  std::vector<Variable> v;
  for (const Tensor& input : inputs) v.emplace_back(input, true);
  const Variable y = f(v);
  y.backward(dy);
  return {y.value(), v[0].grad(), v[1].grad(), v[2].grad()};
}

TEST(BatchNorm, WithReluItIsReluAfterwardsBitForBit) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Shape& shape : {Shape{32, 128}, {601, 67}, {4, 9, 7, 32}, {5, 3}, {3000, 64}}) {
      const Shape channels{shape[-1]};
      const BatchStatistics statistics{random_tensor(channels, 4, dtype), Tensor::full(channels, 1.7, dtype)};
      const Tensor dy = random_tensor(shape, 5, dtype);
      std::vector<Tensor> inputs = {random_tensor(shape, 1, dtype), random_tensor(channels, 2, dtype),
                                    random_tensor(channels, 3, dtype)};
      const auto compare = [&](const char* what) {
        const auto apart = values_and_gradients(
            inputs, dy, [](const Inputs& v) { return relu(batch_norm(v[0], v[1], v[2], 1e-5).y); });
        const auto together = values_and_gradients(inputs, dy, [](const Inputs& v) {
          return batch_norm(v[0], v[1], v[2], 1e-5, Activation::relu).y;
        });
        const auto given_apart = values_and_gradients(inputs, dy, [&](const Inputs& v) {
          return relu(batch_norm_inference(v[0], v[1], v[2], statistics, 1e-5));
        });
        const auto given_together = values_and_gradients(inputs, dy, [&](const Inputs& v) {
          return batch_norm_inference(v[0], v[1], v[2], statistics, 1e-5, Activation::relu);
        });
        for (std::size_t i = 0; i < apart.size(); ++i) {
          EXPECT_TRUE(same_bits(together[i], apart[i])) << what << " " << i << ", " << shape.to_string();
          EXPECT_TRUE(same_bits(given_together[i], given_apart[i]))
              << what << " " << i << ", " << shape.to_string();
        }
      };
      compare("random");
      // Every second channel is constant, which makes y exactly 0; in the others it is near.
      inputs[2] = Tensor::zeros(channels, dtype);
      for (Index i = 0; i < inputs[0].numel(); ++i) {
        const double value =
            1e4 + static_cast<double>(i % channels[0]) + (i % channels[0] % 2 == 1 && i % 7 == 0 ? 1e-3 : 0);
        dispatch_floating("test", dtype, [&](auto zero) {
          inputs[0].data<decltype(zero)>()[i] = static_cast<decltype(zero)>(value);
        });
      }
      compare("near zero");
    }
  }
}

TEST(BatchNorm, WithReluNanStaysNan) {
  Tensor x = random_tensor({40, 3}, 1, DType::float32);
  x.data<float>()[31] = std::numeric_limits<float>::quiet_NaN();  // channel 1
  const BatchStatistics statistics{Tensor::zeros({3}), Tensor::ones({3})};
  const auto nans = [](const Tensor& y) {
    return std::count_if(y.values<float>().begin(), y.values<float>().end(),
                         [](float v) { return std::isnan(v); });
  };
  const Variable none;
  EXPECT_EQ(nans(batch_norm(Variable(x), none, none, 1e-5, Activation::relu).y.value()), 40);
  EXPECT_EQ(nans(batch_norm_inference(Variable(x), none, none, statistics, 1e-5, Activation::relu).value()),
            1);
}

// A sum over no rows is 0, whatever memory held before.
TEST(BatchNorm, GradientsOfNoRowsAreZero) {
  const Variable x(Tensor::empty({0, 3}, DType::float64), true);
  const Variable gamma(Tensor::ones({3}, DType::float64), true),
      beta(Tensor::ones({3}, DType::float64), true);
  const BatchStatistics statistics{Tensor::zeros({3}, DType::float64), Tensor::ones({3}, DType::float64)};
  // What the next work space is likely to be made of.
  { const Tensor used = Tensor::full({8}, 7, DType::float64); }
  sum(batch_norm_inference(x, gamma, beta, statistics, 1e-5)).backward();
  for (const Variable& parameter : {gamma, beta}) {
    for (const double g : parameter.grad().values<double>()) EXPECT_EQ(g, 0);
  }
  EXPECT_EQ(x.grad().shape(), (Shape{0, 3}));
}

TEST(BatchNorm, RejectsWhatDoesNotFit) {
  const Variable x(random_tensor({4, 3}));
  const Variable two(random_tensor({2}));
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(message([&] { batch_norm(x, two, Variable(), 1e-5); }),
            "[batch_norm] input [4,3] expects gamma of shape [3], found [2]");
  EXPECT_EQ(message([&] { batch_norm(Variable(random_tensor({3})), Variable(), Variable(), 1e-5); }),
            "[batch_norm] expected an input [...,C] with at least two axes, found [3]");
  EXPECT_EQ(message([&] { batch_norm(x, Variable(), Variable(), 0); }),
            "[batch_norm] expected epsilon > 0, found 0");
  const BatchStatistics negative{Tensor::zeros({3}, DType::float64), Tensor::from<double>({3}, {1, -0.5, 1})};
  EXPECT_EQ(message([&] { batch_norm_inference(x, Variable(), Variable(), negative, 1e-5); }),
            "[batch_norm] expected variances of at least 0, found -0.5 in channel 1");
}

}  // namespace
}  // namespace keel
