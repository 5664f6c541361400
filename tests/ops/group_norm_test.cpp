#include "keel/ops/group_norm.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "keel/autograd/gradcheck.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"
#include "support/threads.h"

namespace keel {
namespace {

using testing::message_of;
using testing::random_tensor;
using testing::same_bits;
using Inputs = std::vector<Variable>;

// Few values in each set, where the terms of the gradient that are of order 1 / size weigh as much as the
// first.
struct GroupCase {
  const char* name;
  Shape shape;
  Index groups;
};
void PrintTo(const GroupCase& c, std::ostream* out) { *out << c.name; }

class GroupNormGradients : public ::testing::TestWithParam<GroupCase> {};

TEST_P(GroupNormGradients, MatchCentralDifferences) {
  const auto& [name, shape, groups] = GetParam();
  const Tensor x = random_tensor(shape), gamma = random_tensor({shape[-1]}, 2),
               beta = random_tensor({shape[-1]}, 3);
  for (const bool subtract_mean : {true, false}) {
    SCOPED_TRACE(subtract_mean);
    const GroupNormSettings settings{.groups = groups, .epsilon = 1e-2, .subtract_mean = subtract_mean};
    GradcheckResult result =
        gradcheck([&](const Inputs& v) { return group_norm(v[0], v[1], v[2], settings); }, {x, gamma, beta});
    EXPECT_TRUE(result) << result.message;
    result =
        gradcheck([&](const Inputs& v) { return group_norm(v[0], Variable(), v[1], settings); }, {x, beta});
    EXPECT_TRUE(result) << "center only: " << result.message;
    result =
        gradcheck([&](const Inputs& v) { return group_norm(v[0], v[1], Variable(), settings); }, {x, gamma});
    EXPECT_TRUE(result) << "scale only: " << result.message;
    result =
        gradcheck([&](const Inputs& v) { return group_norm(v[0], Variable(), Variable(), settings); }, {x});
    EXPECT_TRUE(result) << "neither: " << result.message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, GroupNormGradients,
    ::testing::Values(GroupCase{"rows", {3, 4}, 2}, GroupCase{"row_of_one_group", {2, 5}, 1},
                      GroupCase{"images", {2, 2, 3, 4}, 2}, GroupCase{"instances", {2, 3, 5}, 5},
                      GroupCase{"whole_images", {2, 2, 2, 3}, 1}, GroupCase{"channels70", {2, 70}, 7}),
    [](const auto& each) { return each.param.name; });

TEST(LayerNormGradients, MatchCentralDifferences) {
  for (const int axes : {1, 2, 3}) {
    const Shape shape{2, 3, 4};
    const Shape affine(std::span(shape.end() - axes, shape.end()));
    for (const bool subtract_mean : {true, false}) {
      const auto f = [&](const Inputs& v) {
        return layer_norm(v[0], v[1], v[2], {.axes = axes, .epsilon = 1e-2, .subtract_mean = subtract_mean});
      };
      const GradcheckResult result =
          gradcheck(f, {random_tensor(shape), random_tensor(affine, 2), random_tensor(affine, 3)});
      EXPECT_TRUE(result) << axes << " axes: " << result.message;
    }
  }
}

// A line-by-line transcription of the formulas, in long double, for x as [outer, positions, groups, width].
std::vector<double> reference(const Tensor& x, Index positions, Index groups, double epsilon,
                              bool subtract_mean = true) {
  const Tensor exact = x.to(DType::float64);
  const Index channels = x.size(-1), width = channels / groups, outer = x.numel() / (positions * channels);
  std::vector<double> y(static_cast<std::size_t>(x.numel()));
  for (Index set = 0; set < outer * groups; ++set) {
    const auto index = [&](Index i) {
      return (set / groups * positions + i / width) * channels + set % groups * width + i % width;
    };
    const auto at = [&](Index i) { return static_cast<long double>(exact.data<double>()[index(i)]); };
    const Index size = positions * width;
    long double mean = 0, variance = 0;
    for (Index i = 0; subtract_mean && i < size; ++i) mean += at(i) / static_cast<long double>(size);
    for (Index i = 0; i < size; ++i)
      variance += (at(i) - mean) * (at(i) - mean) / static_cast<long double>(size);
    for (Index i = 0; i < size; ++i) {
      y[static_cast<std::size_t>(index(i))] =
          static_cast<double>((at(i) - mean) / std::sqrt(variance + static_cast<long double>(epsilon)));
    }
  }
  return y;
}

void expect_near(const Tensor& found, const std::vector<double>& expected, double tolerance) {
  const Tensor exact = found.to(DType::float64);
  for (Index i = 0; i < found.numel(); ++i) {
    ASSERT_NEAR(exact.data<double>()[i], expected[static_cast<std::size_t>(i)], tolerance) << "element " << i;
  }
}

// Rows and images of odd sizes: more than a vector, more than a block of them, parts of both.
struct Extents {
  Shape shape;
  Index groups;
};
const Extents kExtents[] = {{{5, 2}, 1},       {{7, 15}, 3},         {{33, 17}, 1},
                            {{9, 1000}, 5},    {{3, 9000}, 1},       {{300, 67}, 67 / 67},
                            {{4, 5, 7, 6}, 2}, {{3, 11, 13, 70}, 7}, {{2, 31, 29, 32}, 16},
                            {{5, 2, 3}, 3},    {{6, 301, 5}, 1},     {{2, 3, 130}, 130}};

Index positions_of(const Shape& shape) { return shape.numel_between(1, shape.rank() - 1); }

TEST(GroupNorm, NormalisesOddSizesAsTheFormulaSays) {
  for (const Extents& e : kExtents) {
    for (const bool subtract_mean : {true, false}) {
      SCOPED_TRACE(e.shape.to_string());
      const Tensor x = random_tensor(e.shape, 5, DType::float32);
      const Tensor y = group_norm(Variable(x), Variable(), Variable(),
                                  {.groups = e.groups, .subtract_mean = subtract_mean})
                           .value();
      expect_near(y, reference(x, positions_of(e.shape), e.groups, 1e-5, subtract_mean), 3e-6);
    }
  }
}

// y and the gradients of x, gamma, beta.
std::vector<Tensor> values_and_gradients(const Tensor& x, const Tensor& dy, Index groups) {
  const Shape channels{x.size(-1)};
  const Variable vx(x, true), gamma(random_tensor(channels, 2, x.dtype()), true),
      beta(random_tensor(channels, 3, x.dtype()), true);
  const Variable y = group_norm(vx, gamma, beta, {.groups = groups});
  y.backward(dy);
  return {y.value(), vx.grad(), gamma.grad(), beta.grad()};
}

TEST(GroupNorm, GradientsOfOddSizesInFloat32AreThoseInFloat64) {
  for (const Extents& e : kExtents) {
    SCOPED_TRACE(e.shape.to_string());
    const Tensor x = random_tensor(e.shape, 5, DType::float32),
                 dy = random_tensor(e.shape, 6, DType::float32);
    const auto found = values_and_gradients(x, dy, e.groups);
    const auto exact = values_and_gradients(x.to(DType::float64), dy.to(DType::float64), e.groups);
    for (std::size_t i = 0; i < found.size(); ++i) {
      double largest = 1;
      for (const double value : exact[i].values<double>()) largest = std::max(largest, std::abs(value));
      const auto values = exact[i].values<double>();
      // gamma and beta are drawn in both types, the same numbers but for their rounding.
      expect_near(found[i], {values.begin(), values.end()}, 4e-6 * largest);
    }
  }
}

TEST(GroupNorm, HasTheSameBitsForAnyNumberOfThreads) {
  for (const Extents& e : {Extents{{1100, 512}, 1}, {{512, 300}, 50}, {{40, 15, 14, 32}, 8}}) {
    const Tensor x = random_tensor(e.shape, 5, DType::float32),
                 dy = random_tensor(e.shape, 6, DType::float32);
    const auto result = [&] { return values_and_gradients(x, dy, e.groups); };
    const auto one = testing::with_one_thread(result), three = testing::with_three_threads(result);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(same_bits(one[i], three[i])) << i << ", " << e.shape.to_string();
    }
  }
}

TEST(GroupNorm, AnExampleHasTheSameBitsAloneAndInABatch) {
  for (const Extents& e : kExtents) {
    const Tensor x = random_tensor(e.shape, 5, DType::float32),
                 dy = random_tensor(e.shape, 6, DType::float32);
    const auto together = values_and_gradients(x, dy, e.groups);
    for (const Index i : {Index(0), e.shape[0] - 1}) {
      const auto alone = values_and_gradients(x.rows(i, i + 1).clone(), dy.rows(i, i + 1).clone(), e.groups);
      EXPECT_TRUE(same_bits(alone[0], together[0].rows(i, i + 1))) << "y, " << e.shape.to_string();
      EXPECT_TRUE(same_bits(alone[1], together[1].rows(i, i + 1))) << "dx, " << e.shape.to_string();
    }
  }
}

TEST(GroupNorm, ALargeMeanDoesNotDrownASmallDeviation) {
  for (const Extents& e : kExtents) {
    SCOPED_TRACE(e.shape.to_string());
    Tensor x = random_tensor(e.shape, 6);
    for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = 1e4 + 0.1 * x.data<double>()[i];
    x = x.to(DType::float32);
    const Tensor y = group_norm(Variable(x), Variable(), Variable(), {.groups = e.groups}).value();
    expect_near(y, reference(x, positions_of(e.shape), e.groups, 1e-5), 1e-5);
  }
}

TEST(GroupNorm, AnOutlierInFrontDoesNoHarm) {
  for (const Extents& e : {Extents{{2, 800}, 2}, {{2, 400, 2}, 1}}) {
    Tensor x = random_tensor(e.shape, 9, DType::float32);
    x.data<float>()[0] = 1e5F;
    const Tensor y = group_norm(Variable(x), Variable(), Variable(), {.groups = e.groups}).value();
    expect_near(y, reference(x, positions_of(e.shape), e.groups, 1e-5), 4e-6);
  }
}

TEST(GroupNorm, DeviationsWhoseSquaresOverflowNormalise) {
  for (const Extents& e : {Extents{{3, 600}, 2}, {{3, 40, 6}, 2}}) {
    for (const double size : {1e20, 3e36}) {
      Tensor x = random_tensor(e.shape, 8);
      for (Index i = 0; i < x.numel(); ++i) x.data<double>()[i] = size * (5 + x.data<double>()[i]);
      x = x.to(DType::float32);
      const Tensor y = group_norm(Variable(x), Variable(), Variable(), {.groups = e.groups}).value();
      expect_near(y, reference(x, positions_of(e.shape), e.groups, 1e-5), 1e-5);
    }
  }
}

// Black pixels: the deviation is 0, and what is left is epsilon.
TEST(GroupNorm, ConstantGroupsGiveExactlyBetaAndFiniteGradients) {
  for (const Extents& e : {Extents{{5, 34}, 2}, {{3, 5, 7, 6}, 3}}) {
    for (const float value : {0.0F, 0.1F, -12345.678F}) {
      for (const double epsilon : {1e-5, static_cast<double>(std::numeric_limits<float>::denorm_min())}) {
        const Shape channels{e.shape[-1]};
        const Variable x(Tensor::full(e.shape, value), true),
            gamma(random_tensor(channels, 2, DType::float32), true),
            beta(random_tensor(channels, 3, DType::float32), true);
        const Variable y = group_norm(x, gamma, beta, {.groups = e.groups, .epsilon = epsilon});
        for (Index i = 0; i < x.value().numel(); ++i) {
          ASSERT_EQ(y.value().data<float>()[i], beta.value().data<float>()[i % channels[0]]);
        }
        y.backward(random_tensor(e.shape, 4, DType::float32));
        for (const float each : x.grad().values<float>()) ASSERT_TRUE(std::isfinite(each));
        for (const float each : gamma.grad().values<float>()) ASSERT_EQ(each, 0);
      }
    }
  }
}

TEST(GroupNorm, ZerosWithoutTheMeanStayZero) {
  const Variable x(Tensor::zeros({3, 5}), true);
  const Variable y = group_norm(x, Variable(), Variable(), {.subtract_mean = false});
  for (const float each : y.value().values<float>()) ASSERT_EQ(each, 0);
  y.backward(random_tensor({3, 5}, 4, DType::float32));
  for (const float each : x.grad().values<float>()) ASSERT_TRUE(std::isfinite(each));
}

TEST(GroupNorm, NanStaysInItsGroup) {
  for (const Extents& e : {Extents{{4, 34}, 2}, {{4, 5, 6}, 2}}) {
    Tensor x = random_tensor(e.shape, 1, DType::float32);
    x.data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    const Tensor y = group_norm(Variable(x), Variable(), Variable(), {.groups = e.groups}).value();
    const Index channels = e.shape[-1], example = x.numel() / 4;
    for (Index i = 0; i < y.numel(); ++i) {
      ASSERT_EQ(std::isnan(y.data<float>()[i]), i < example && i % channels < channels / 2) << i;
    }
  }
}

TEST(GroupNorm, NoExamplesGiveNoGradients) {
  const Variable x(Tensor::empty({0, 4}), true), gamma(Tensor::ones({4}), true),
      beta(Tensor::ones({4}), true);
  // What the next work space is likely to be made of.
  { const Tensor used = Tensor::full({8}, 7); }
  const Variable y = group_norm(x, gamma, beta, {.groups = 2});
  y.backward(Tensor::empty({0, 4}));
  for (const Variable& parameter : {gamma, beta}) {
    for (const float g : parameter.grad().values<float>()) EXPECT_EQ(g, 0);
  }
}

TEST(GroupNorm, RejectsWhatDoesNotFit) {
  const Variable x(random_tensor({4, 6})), none, two(random_tensor({2}));
  EXPECT_EQ(message_of<ValueError>([&] { group_norm(x, none, none, {.groups = 4}); }),
            "[group_norm] expected a number of groups that divides the 6 channels of input [4,6], found 4");
  EXPECT_EQ(message_of<ValueError>([&] { group_norm(x, none, none, {.groups = 0}); }),
            "[group_norm] expected a number of groups that divides the 6 channels of input [4,6], found 0");
  EXPECT_EQ(
      message_of<ValueError>([&] { group_norm(x, none, none, {.groups = 6}); }),
      "[group_norm] expected more than one value in a group, found input [4,6] and 6 groups: the result "
      "would be beta whatever the input");
  EXPECT_EQ(message_of<ShapeError>([&] { group_norm(x, two, none, {}); }),
            "[group_norm] input [4,6] expects gamma of shape [6], found [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { group_norm(Variable(random_tensor({6})), none, none, {}); }),
            "[group_norm] expected an input [N,...,C], found [6]");
  EXPECT_EQ(message_of<DTypeError>([&] { group_norm(x, none, Variable(Tensor::zeros({6})), {}); }),
            "[group_norm] expected float64 elements in beta, found float32");
  EXPECT_EQ(message_of<ValueError>([&] { group_norm(x, none, none, {.epsilon = 0}); }),
            "[group_norm] expected epsilon > 0, found 0");
  EXPECT_EQ(message_of<ShapeError>([&] { layer_norm(x, none, two, {.axes = 2}); }),
            "[layer_norm] input [4,6] expects beta of shape [4,6], found [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { layer_norm(x, none, none, {.axes = 3}); }),
            "[layer_norm] expected an input of at least 3 axes, found [4,6]");
  EXPECT_EQ(message_of<ValueError>([&] {
              layer_norm(Variable(random_tensor({4, 1})), none, none, {});
            }),
            "[layer_norm] expected more than one value to normalise over, found the last axes [1] of input "
            "[4,1]: the result would be beta whatever the input");
}

}  // namespace
}  // namespace keel
