// The checker is only worth something if it rejects what is wrong: gradients with the mistakes people make.
#include "keel/autograd/gradcheck.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "keel/core/tensor_ops.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/softmax.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::random_tensor;
using Inputs = std::vector<Variable>;

// y = x^2 whose gradient is what `gradient` makes of the right one, 2 x dy.
template <class F>
DifferentiableFunction square_with(const F& gradient) {
  return [gradient](const Inputs& v) {
    const Tensor x = v[0].value();
    return Variable::from_op("square", multiply(x, x), {v[0]}, [=](const Tensor& dy, Gradients& g) {
      gradient(affine(multiply(x, dy), 2, 0), g);
    });
  };
}

const auto kRight = [](const Tensor& dx, Gradients& g) { g.add(0, dx); };

TEST(Gradcheck, AcceptsARightGradient) {
  const GradcheckResult result = gradcheck(square_with(kRight), {random_tensor({2, 3})});
  EXPECT_TRUE(result);
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.message, "");
  EXPECT_GT(result.worst_error, 0);  // something was compared
  EXPECT_LT(result.worst_error, 1e-9);
}

TEST(Gradcheck, RejectsAGradientScaledByAHundredth) {
  const auto f = square_with([](const Tensor& dx, Gradients& g) { add_scaled(g.add_to(0), dx, 1.01); });
  const GradcheckResult result = gradcheck(f, {random_tensor({2, 3})});
  EXPECT_FALSE(result);
  EXPECT_NEAR(result.worst_error, 0.01 / 2.01, 1e-6);
  EXPECT_THAT(result.message,
              HasSubstr("input 0 [2,3]: relative error 0.00498 above 1e-06; worst at element"));
}

TEST(Gradcheck, RejectsAGradientOfTheOtherSign) {
  const auto f = square_with([](const Tensor& dx, Gradients& g) { add_scaled(g.add_to(0), dx, -1); });
  const GradcheckResult result = gradcheck(f, {random_tensor({2, 3})});
  EXPECT_FALSE(result);
  EXPECT_NEAR(result.worst_error, 1, 1e-6);
}

TEST(Gradcheck, RejectsOneWrongElementAmongMany) {
  const auto f = square_with([](const Tensor& dx, Gradients& g) {
    Tensor wrong = dx.clone();
    wrong.data<double>()[57] *= 1.01;
    g.add(0, wrong);
  });
  const GradcheckResult result = gradcheck(f, {random_tensor({10, 10})});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("worst at element 57"));
}

TEST(Gradcheck, RejectsNan) {
  const auto f = square_with([](const Tensor& dx, Gradients& g) {
    Tensor wrong = dx.clone();
    wrong.data<double>()[2] = std::numeric_limits<double>::quiet_NaN();
    g.add(0, wrong);
  });
  const GradcheckResult result = gradcheck(f, {random_tensor({2, 3})});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("relative error nan"));
  EXPECT_THAT(result.message, HasSubstr("element 2: analytic nan"));
  EXPECT_TRUE(std::isnan(result.worst_error));
  // Not forgotten over an input that is right.
  const auto sum_of = [&](const Inputs& v) { return f({v[0]}) + v[1] * v[1]; };
  EXPECT_FALSE(gradcheck(sum_of, {random_tensor({2, 3}), random_tensor({2, 3}, 2)}));
}

TEST(Gradcheck, RejectsAResultThatIsNan) {
  const GradcheckResult result =
      gradcheck([](const Inputs& v) { return log(v[0]); }, {Tensor::full({2}, -1, DType::float64)});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message, "f gives a result that is not finite");
}

TEST(Gradcheck, RejectsAGradientOfZeros) {
  const auto nothing = square_with([](const Tensor&, Gradients&) {});
  EXPECT_FALSE(gradcheck(nothing, {random_tensor({2, 3})}));
  // Zero on both sides: nothing was compared, unless the caller said that this is so.
  const DifferentiableFunction constant = [](const Inputs& v) { return v[0] + 0.0 * v[1]; };
  const std::vector<Tensor> inputs = {random_tensor({3}), random_tensor({3}, 2)};
  const GradcheckResult result = gradcheck(constant, inputs);
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message, "input 1 [3]: a gradient of zeros, which checks nothing");
  EXPECT_TRUE(gradcheck(constant, inputs, {.zero_gradients = {1}}));
}

TEST(Gradcheck, RejectsAGradientThatWasDeclaredZeroAndIsNot) {
  const GradcheckResult result =
      gradcheck(square_with(kRight), {random_tensor({3})}, {.zero_gradients = {0}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("where zero was declared"));
}

TEST(Gradcheck, RejectsAnInputThatIsNotUsed) {
  const GradcheckResult result =
      gradcheck([](const Inputs& v) { return v[0] * v[0]; }, {random_tensor({3}), random_tensor({2}, 2)});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message, "input 1 [2]: a gradient of zeros, which checks nothing");
}

TEST(Gradcheck, RejectsAnAccumulatorThatIsOverwritten) {
  const auto f = square_with([](const Tensor& dx, Gradients& g) { g.add_to(0).copy_from(dx); });
  EXPECT_FALSE(gradcheck(f, {random_tensor({2, 3})}));
}

TEST(Gradcheck, RejectsAFunctionThatIsNotOne) {
  int calls = 0;
  const GradcheckResult result =
      gradcheck([&](const Inputs& v) { return v[0] * static_cast<double>(++calls); }, {random_tensor({3})});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("f is not a function of its inputs: it gave "));
}

TEST(Gradcheck, RejectsAResultThatDependsOnNothing) {
  const GradcheckResult result =
      gradcheck([](const Inputs& v) { return v[0].detach() * 2.0; }, {random_tensor({3})});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message, "the result depends on no input that requires a gradient");
}

TEST(Gradcheck, RejectsZeroElements) {
  const GradcheckResult result = gradcheck(square_with(kRight), {random_tensor({0, 3})});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.message, "no element was checked");
}

TEST(Gradcheck, RefusesWhatItCannotCheck) {
  EXPECT_EQ(
      message_of<DTypeError>([] { gradcheck(square_with(kRight), {random_tensor({3}, 1, DType::float32)}); }),
      "[gradcheck] expected float64 inputs, found float32");
  EXPECT_EQ(message_of<ValueError>([] { gradcheck(square_with(kRight), std::vector<Tensor>{}); }),
            "[gradcheck] expected at least one input, found none");
  const Variable frozen(random_tensor({3}));
  EXPECT_EQ(message_of([&] { gradcheck([&] { return frozen * frozen; }, {frozen}); }),
            "[gradcheck] expected inputs that require a gradient");
}

TEST(Gradcheck, RestoresTheValuesOfVariables) {
  const Tensor value = random_tensor({3});
  const Variable held(value, true);
  EXPECT_TRUE(gradcheck([&] { return held * held; }, {held}));
  EXPECT_TRUE(held.value().shares_elements_with(value));
  for (Index i = 0; i < 3; ++i) EXPECT_EQ(held.value().at({i}), random_tensor({3}).at({i}));
  EXPECT_FALSE(held.grad().defined());
}

TEST(Gradcheck, RestoresTheValuesWhenTheFunctionThrows) {
  const Tensor value = random_tensor({3});
  const Variable held(value, true);
  int calls = 0;
  EXPECT_EQ(message_of([&] {
              gradcheck(
                  [&] {
                    check(++calls < 4, "[f] the fourth call");
                    return held * held;
                  },
                  {held});
            }),
            "[f] the fourth call");
  EXPECT_TRUE(held.value().shares_elements_with(value));
}

TEST(Gradcheck, TakesLargeInputsInSteps) {
  // A step of 1e-5 at 1e8 would be lost in rounding.
  EXPECT_TRUE(gradcheck(square_with(kRight), {Tensor::full({2}, 1e8, DType::float64)}));
}

// Batch normalisation over the rows of x [rows, channels], whose gradient lacks what it is told to.
struct Missing {
  bool mean_term = false, variance_term = false;
};
DifferentiableFunction batch_norm_missing(Missing missing) {
  return [missing](const Inputs& v) {
    const std::array rows = {0};
    const Tensor centred = subtract(v[0].value(), mean(v[0].value(), rows));
    Tensor factor = affine(mean(multiply(centred, centred), rows), 1, 1e-3);  // 1 / sqrt(variance + epsilon)
    for (Index c = 0; c < factor.numel(); ++c)
      factor.data<double>()[c] = 1 / std::sqrt(factor.data<double>()[c]);
    const Tensor xhat = multiply(centred, factor);
    return Variable::from_op("batch_norm", xhat, {v[0]}, [=](const Tensor& dy, Gradients& g) {
      Tensor dx = dy;
      if (!missing.mean_term) dx = subtract(dx, mean(dy, rows));
      if (!missing.variance_term) dx = subtract(dx, multiply(xhat, mean(multiply(dy, xhat), rows)));
      g.add(0, multiply(dx, factor));
    });
  };
}

TEST(Gradcheck, SeesEachTermOfBatchNorm) {
  const std::vector<Tensor> x = {random_tensor({6, 3})};
  EXPECT_TRUE(gradcheck(batch_norm_missing({}), x));
  EXPECT_GT(gradcheck(batch_norm_missing({.mean_term = true}), x).worst_error, 1e-2);
  EXPECT_GT(gradcheck(batch_norm_missing({.variance_term = true}), x).worst_error, 1e-2);
  EXPECT_FALSE(gradcheck(batch_norm_missing({.mean_term = true}), x));
  EXPECT_FALSE(gradcheck(batch_norm_missing({.variance_term = true}), x));
}

TEST(Gradcheck, SeesThroughSoftmaxWhereASumWouldBeBlind) {
  const std::vector<Tensor> x = {random_tensor({3, 5})};
  EXPECT_TRUE(gradcheck([](const Inputs& v) { return softmax(v[0]); }, x));
  // Three times the right gradient. The sum of a softmax is constant, so a loss of sum(y) accepts that.
  const DifferentiableFunction tripled = [](const Inputs& v) {
    const Variable y = softmax(v[0].detach());
    return Variable::from_op("tripled", y.value(), {v[0]}, [y = y.value()](const Tensor& dy, Gradients& g) {
      const std::array last = {-1};
      const Tensor inner = sum(multiply(dy, y), last, true);
      add_scaled(g.add_to(0), multiply(y, subtract(dy, inner)), 3);
    });
  };
  EXPECT_FALSE(gradcheck(tripled, x));
}

}  // namespace
}  // namespace keel
