#include "keel/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "keel/autograd/gradcheck.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::random_tensor;
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
