#include "keel/nn/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::Dropout;
using nn::Mode;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Context training(std::uint64_t seed = 1) { return Context(Mode::training, Rng(seed, Stream::dropout)); }

TEST(DropoutLayer, IsASoundLayer) {
  EXPECT_TRUE(check_module(
      [](Rng&) { return std::make_shared<Dropout>(0.3); },
      {.input = random_tensor({4, 2, 5}), .output_shape = {4, 2, 5}, .differs_in_training = true}));
  EXPECT_TRUE(check_module([](Rng&) { return std::make_shared<Dropout>(0); },
                           {.input = random_tensor({4, 3}), .output_shape = {4, 3}}));
  EXPECT_EQ(Dropout().kind(), "dropout");
}

TEST(DropoutLayer, DropsAtItsRateAndKeepsTheMean) {
  constexpr Index kElements = 40000;
  for (const double rate : {0.1, 0.5, 0.8}) {
    Dropout dropout(rate);
    Context context = training();
    const Tensor y = dropout(Variable(Tensor::ones({kElements}, DType::float64)), context).value();
    Index dropped = 0;
    double total = 0;
    for (const double value : y.values<double>()) {
      dropped += value == 0 ? 1 : 0;
      total += value;
      ASSERT_TRUE(value == 0 || std::abs(value * (1 - rate) - 1) < 1e-15) << value;
    }
    // Five deviations of a binomial share: one false alarm in two million seeds, and the seed is fixed.
    const double tolerance = 5 * std::sqrt(rate * (1 - rate) / kElements);
    EXPECT_NEAR(static_cast<double>(dropped) / kElements, rate, tolerance);
    EXPECT_NEAR(total / kElements, 1, tolerance / (1 - rate));
  }
}

TEST(DropoutLayer, DrawsAnewForEachCallAndTheSameFromTheSameStream) {
  Dropout dropout(0.5);
  const Variable x(random_tensor({64}));
  Context context = training(), same = training(), other = training(2);
  const Tensor first = dropout(x, context).value(), second = dropout(x, context).value();
  EXPECT_FALSE(same_bits(first, second));
  EXPECT_TRUE(same_bits(first, dropout(x, same).value()));
  EXPECT_TRUE(same_bits(second, dropout(x, same).value()));
  EXPECT_FALSE(same_bits(first, dropout(x, other).value()));
}

TEST(DropoutLayer, IsTheIdentityInEvaluationAndDrawsNothing) {
  Dropout dropout(0.9);
  const Variable x(random_tensor({64}));
  Context evaluation(Mode::evaluation, Rng(1, Stream::dropout));
  EXPECT_TRUE(same_bits(dropout(x, evaluation).value(), x.value()));
  Context fresh(Mode::evaluation, Rng(1, Stream::dropout));
  EXPECT_EQ(evaluation.next_stream().stream(), fresh.next_stream().stream());
}

TEST(DropoutLayer, RejectsRatesThatAreNoProbabilities) {
  EXPECT_EQ(message_of<ValueError>([] { Dropout(1.0); }), "[dropout] expected a rate in [0,1), found 1");
  EXPECT_EQ(message_of<ValueError>([] { Dropout(-0.1); }), "[dropout] expected a rate in [0,1), found -0.1");
  EXPECT_EQ(message_of<ValueError>([] { Dropout(std::nan("")); }),
            "[dropout] expected a rate in [0,1), found nan");
}

}  // namespace
}  // namespace keel
