// What is RMSProp's own; its steps are compared with PyTorch's in golden_test.cpp.
#include "keel/optim/rmsprop.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"

namespace keel::optim {
namespace {

using testing::message_of;

std::vector<Variable> parameters() { return {Variable(Tensor::zeros({2, 3}), true)}; }

TEST(RmsProp, RejectsNumbersOutOfRange) {
  const auto message = [](const RmsPropOptions& options) {
    return message_of<ValueError>([&] { RmsProp rmsprop(parameters(), options); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message({.alpha = 1}), "[rmsprop] alpha 1: expected a number in [0, 1)");
  EXPECT_EQ(message({.alpha = nan}), "[rmsprop] alpha nan: expected a number in [0, 1)");
  EXPECT_EQ(message({.epsilon = 0}), "[rmsprop] epsilon 0: expected a finite number > 0");
  EXPECT_EQ(message({.momentum = -0.5}), "[rmsprop] momentum -0.5: expected a number in [0, 1)");
  EXPECT_EQ(message({.weight_decay = -1}), "[rmsprop] weight_decay -1: expected a finite number >= 0");
}

TEST(RmsProp, KeepsAVelocityWithMomentumOnly) {
  const auto names = [](const RmsPropOptions& options) {
    std::vector<std::string> found;
    for (const NamedTensor& entry : RmsProp(parameters(), options).state()) found.push_back(entry.name);
    return found;
  };
  EXPECT_EQ(names({}), (std::vector<std::string>{"0.v"}));
  EXPECT_EQ(names({.momentum = 0.9}), (std::vector<std::string>{"0.v", "0.velocity"}));
}

// v has not been corrected for its start: the first step is 1 / sqrt(1 - alpha) times the rate.
TEST(RmsProp, TheFirstStepIsTenTimesTheRate) {
  std::vector<Variable> w = parameters();
  w[0].set_grad(Tensor::full({2, 3}, 0.25));
  RmsProp(w).step(1e-3);
  for (const float x : w[0].value().values<float>()) EXPECT_NEAR(x, -1e-2, 1e-8);
}

}  // namespace
}  // namespace keel::optim
