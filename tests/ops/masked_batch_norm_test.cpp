// batch_norm of which some rows are padding.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "keel/autograd/gradcheck.h"
#include "keel/core/tensor_ops.h"
#include "keel/ops/batch_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/module_runs.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::largest_difference;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;
using Inputs = std::vector<Variable>;

struct MaskCase {
  const char* name;
  Shape shape;
  Tensor mask;
};
void PrintTo(const MaskCase& c, std::ostream* out) { *out << c.name; }

class MaskedBatchNorm : public ::testing::TestWithParam<MaskCase> {};

TEST_P(MaskedBatchNorm, GradientsMatchCentralDifferences) {
  const Shape shape = GetParam().shape;
  const Tensor x = random_tensor(shape), gamma = random_tensor({shape[-1]}, 2),
               beta = random_tensor({shape[-1]}, 3);
  const Tensor& rows = GetParam().mask;
  GradcheckResult result = gradcheck(
      [&](const Inputs& v) { return masked_batch_norm(v[0], v[1], v[2], rows, 1e-3).y; }, {x, gamma, beta});
  EXPECT_TRUE(result) << result.message;
  EXPECT_LT(result.worst_error, 1e-7);
  result = gradcheck(
      [&](const Inputs& v) { return masked_batch_norm(v[0], Variable(), Variable(), rows, 1e-3).y; }, {x});
  EXPECT_TRUE(result) << "neither gamma nor beta: " << result.message;
  result = gradcheck(
      [&](const Inputs& v) { return masked_batch_norm(v[0], v[1], v[2], rows, 1e-3, Activation::relu).y; },
      {x, gamma, beta});
  EXPECT_TRUE(result) << "with relu: " << result.message;
}

// The rows that count, and the others, of a mask over rows.
std::vector<std::int32_t> rows_where(const MaskCase& c, bool counted) {
  const Tensor flags = c.mask.to(DType::float64);
  const Index rows = c.shape.numel() / c.shape[-1], each = rows / flags.numel();
  std::vector<std::int32_t> found;
  for (Index row = 0; row < rows; ++row) {
    if ((flags.data<double>()[row / each] != 0) == counted) found.push_back(static_cast<std::int32_t>(row));
  }
  return found;
}

Tensor rows_of(const Tensor& x, const std::vector<std::int32_t>& rows) {
  return gather_rows(x.reshape({x.numel() / x.size(-1), x.size(-1)}), rows);
}

TEST_P(MaskedBatchNorm, IsBatchNormOfTheRowsThatCount) {
  const auto counted = rows_where(GetParam(), true), others = rows_where(GetParam(), false);
  const Shape shape = GetParam().shape;
  const Index channels = shape[-1];
  const Variable x(random_tensor(shape), true), gamma(random_tensor({channels}, 2), true),
      beta(random_tensor({channels}, 3), true);
  const BatchNormResult all = masked_batch_norm(x, gamma, beta, GetParam().mask, 1e-3);
  const Variable x_counted(rows_of(x.value(), counted), true), gamma_alone(gamma.value().clone(), true),
      beta_alone(beta.value().clone(), true);
  const BatchNormResult alone = batch_norm(x_counted, gamma_alone, beta_alone, 1e-3);
  EXPECT_EQ(all.rows, static_cast<Index>(counted.size()));
  EXPECT_EQ(alone.rows, all.rows);
  EXPECT_TRUE(same_bits(all.statistics.mean, alone.statistics.mean));
  EXPECT_TRUE(same_bits(all.statistics.variance, alone.statistics.variance));
  EXPECT_LE(largest_difference(rows_of(all.y.value(), counted), alone.y.value()), 1e-14);

  // A loss that leaves the others out.
  Tensor seed = random_tensor(shape, 4);
  for (const std::int32_t row : others) std::fill_n(seed.data<double>() + row * channels, channels, 0.0);
  all.y.backward(seed);
  alone.y.backward(rows_of(seed, counted));
  EXPECT_LE(largest_difference(rows_of(x.grad(), counted), x_counted.grad()), 1e-13);
  EXPECT_LE(largest_difference(gamma.grad(), gamma_alone.grad()), 1e-13);
  EXPECT_LE(largest_difference(beta.grad(), beta_alone.grad()), 1e-13);
  const Tensor dx_others = rows_of(x.grad(), others);
  for (const double g : dx_others.values<double>()) EXPECT_EQ(g, 0);

  // The others are normalised by the same statistics.
  for (const std::int32_t row : others) {
    for (Index c = 0; c < channels; ++c) {
      const Index at = row * channels + c;
      const double deviation = std::sqrt(all.statistics.variance.data<double>()[c] + 1e-3);
      EXPECT_NEAR(all.y.value().data<double>()[at],
                  gamma.value().data<double>()[c] *
                          (x.value().data<double>()[at] - all.statistics.mean.data<double>()[c]) / deviation +
                      beta.value().data<double>()[c],
                  1e-13);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Masks, MaskedBatchNorm,
    ::testing::Values(MaskCase{"rows", {6, 3}, Tensor::from<std::uint8_t>({6}, {1, 0, 1, 1, 0, 0})},
                      MaskCase{"examples", {3, 2, 4}, Tensor::from<std::int32_t>({3}, {0, 5, 1})},
                      MaskCase{"steps", {2, 4, 3}, Tensor::from<float>({2, 4}, {1, 1, 0, 0, 1, 1, 1, 0})},
                      MaskCase{
                          "pixels", {2, 2, 2, 5}, Tensor::from<double>({2, 2, 2}, {0, 1, 1, 0, 0, 1, 1, 1})},
                      MaskCase{"channels70", {4, 70}, Tensor::from<std::uint8_t>({4}, {1, 1, 0, 1})}),
    [](const auto& each) { return each.param.name; });

TEST(MaskedBatchNormOperation, OfAMaskOfOnesIsBatchNormBitForBit) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const auto run = [&](bool masked) {
      const Variable x(random_tensor({5, 40, 7}, 1, dtype), true), gamma(random_tensor({7}, 2, dtype), true),
          beta(random_tensor({7}, 3, dtype), true);
      const Tensor ones = Tensor::ones({5, 40});
      const BatchNormResult result =
          masked ? masked_batch_norm(x, gamma, beta, ones, 1e-3) : batch_norm(x, gamma, beta, 1e-3);
      result.y.backward(random_tensor({5, 40, 7}, 4, dtype));
      return std::vector<Tensor>{result.y.value(),       x.grad(),
                                 gamma.grad(),           beta.grad(),
                                 result.statistics.mean, result.statistics.variance};
    };
    const auto masked = run(true), plain = run(false);
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(same_bits(masked[i], plain[i])) << i;
  }
}

TEST(MaskedBatchNormOperation, RejectsWhatDoesNotFit) {
  const Variable x(random_tensor({4, 3, 2})), none;
  const auto with = [&](const Shape& mask) { masked_batch_norm(x, none, none, Tensor::zeros(mask), 1e-3); };
  for (const Shape& mask : {Shape{3}, {4, 2}, {4, 3, 2}, {4, 3, 2, 1}}) {
    EXPECT_EQ(message_of<ShapeError>([&] { with(mask); }),
              fmt::format("[batch_norm] input [4,3,2] expects a mask of its leading axes without the last, "
                          "found {}",
                          mask));
  }
  EXPECT_EQ(message_of<ValueError>([&] {
              with({4, 3});
            }),
            "[batch_norm] the mask [4,3] leaves no row of the input [4,3,2]");
  EXPECT_EQ(message_of<ValueError>([&] { with({4}); }),
            "[batch_norm] the mask [4] leaves no row of the input [4,3,2]");
}

}  // namespace
}  // namespace keel
