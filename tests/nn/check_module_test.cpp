// The checker is checked: each of these layers has one thing wrong with it.
#include "support/check_module.h"

#include <gtest/gtest.h>

#include "keel/core/tensor_ops.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/dropout.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/reduction.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::check_module;
using testing::random_tensor;

// What check_module says about a layer from which [4,3] -> [4,3] is expected.
template <class L>
std::string verdict(bool differs_in_training = false) {
  const ::testing::AssertionResult result = check_module(
      [](Rng&) { return std::make_shared<L>(); },
      {.input = random_tensor({4, 3}), .output_shape = {4, 3}, .differs_in_training = differs_in_training});
  return result ? "sound" : result.message();
}

::testing::AssertionResult mentions(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "expected '" << part << "' in: " << text;
}

struct Scale : nn::Layer<Scale> {
  nn::Parameter factor = parameter("factor", Tensor::ones({3}));
  Variable forward(const Variable& x, nn::Context&) override { return x * factor; }
};
TEST(CheckModule, AcceptsASoundLayer) { EXPECT_EQ(verdict<Scale>(), "sound"); }

struct DropsAnAxis : nn::Layer<DropsAnAxis> {
  Variable forward(const Variable& x, nn::Context&) override { return sum(x, {.axes = {1}}); }
};
TEST(CheckModule, FindsTheWrongShape) {
  EXPECT_TRUE(mentions(verdict<DropsAnAxis>(), "evaluation: output of shape [4], expected [4,3]"));
}

struct WrongGradient : nn::Layer<WrongGradient> {
  Variable forward(const Variable& x, nn::Context&) override {
    return Variable::from_op("wrong", affine(x.value(), 2, 0), {x}, [](const Tensor& dy, Gradients& grads) {
      add_scaled(grads.add_to(0), dy, 2.01);
    });
  }
};
TEST(CheckModule, FindsAGradientOffByHalfAPercent) {
  EXPECT_TRUE(mentions(verdict<WrongGradient>(), "training: gradients of (the input): input 0 [4,3]: "));
  EXPECT_TRUE(mentions(verdict<WrongGradient>(), "evaluation: gradients of"));
}

struct UnusedParameter : nn::Layer<UnusedParameter> {
  nn::Parameter unused = parameter("unused", Tensor::ones({3}));
  Variable forward(const Variable& x, nn::Context&) override { return tanh(x); }
};
TEST(CheckModule, FindsAParameterWithoutGradient) {
  EXPECT_TRUE(mentions(verdict<UnusedParameter>(),
                       "gradients of (the input, unused): input 1 [3]: a gradient of zeros"));
}

struct ChangesItsInput : nn::Layer<ChangesItsInput> {
  Variable forward(const Variable& x, nn::Context&) override {
    Tensor shared = x.value();
    shared.bytes()[0] ^= std::byte{1};
    return x * 1.0;
  }
};
TEST(CheckModule, FindsAChangedInput) {
  EXPECT_TRUE(mentions(verdict<ChangesItsInput>(), "forward changes its input"));
}

struct OwnRandomness : nn::Layer<OwnRandomness> {
  std::uint64_t calls = 0;
  Variable forward(const Variable& x, nn::Context&) override { return dropout(x, 0.5, Rng(++calls, 0)); }
};
TEST(CheckModule, FindsRandomnessThatIsNotTheContexts) {
  EXPECT_TRUE(mentions(verdict<OwnRandomness>(), "a second call gives another output"));
}

struct SharesState : nn::Layer<SharesState> {
  Tensor offset = Tensor::zeros({3});
  Variable forward(const Variable& x, nn::Context& context) override {
    if (context.training()) offset.data<float>()[1] += 1;
    return x + Variable(offset.to(x.dtype()));
  }
};
TEST(CheckModule, FindsStateThatIsNotRegistered) {
  EXPECT_TRUE(mentions(verdict<SharesState>(true), "training the clone changes the output"));
}

struct Unregistered : nn::Layer<Unregistered> {
  inline static double instances = 0;
  double offset = ++instances;
  Variable forward(const Variable& x, nn::Context&) override { return x + offset; }
};
TEST(CheckModule, FindsInstancesThatDifferInWhatIsNotState) {
  EXPECT_TRUE(
      mentions(verdict<Unregistered>(), "another instance that loaded the state gives another output"));
}

struct ForgetfulClone : nn::Layer<ForgetfulClone> {
  nn::Parameter factor = parameter("factor", Tensor::ones({3}));
  Variable forward(const Variable& x, nn::Context&) override { return x * factor; }
  std::shared_ptr<nn::Module> clone() const override { return std::make_shared<ForgetfulClone>(); }
};
TEST(CheckModule, FindsACloneWithoutTheState) {
  EXPECT_TRUE(mentions(verdict<ForgetfulClone>(), "the clone's factor has another value"));
}

TEST(CheckModule, FindsAnUnexpectedDifferenceOfTheModes) {
  EXPECT_TRUE(mentions(verdict<Scale>(true), "training and evaluation give the same"));
}

}  // namespace
}  // namespace keel
