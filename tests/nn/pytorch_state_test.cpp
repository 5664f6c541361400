// Values against PyTorch itself are in tests/interop.
#include "keel/nn/pytorch_state.h"

#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/models.h"
#include "keel/nn/pool2d.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/layout.h"
#include "support/check_module.h"
#include "support/errors.h"

namespace keel::nn {
namespace {

using keel::testing::message_of;
using keel::testing::same_bits;

// 0, 1, 2, ... in each parameter and buffer.
void number_elements(Module& module) {
  for (NamedVariable& named : module.named_state()) {
    Tensor& value = named.variable.mutable_value();
    dispatch(value.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (Index i = 0; i < value.numel(); ++i) value.data<T>()[i] = static_cast<T>(i);
    });
  }
}

std::vector<float> values_of(const Tensor& tensor) {
  const std::span<const float> values = tensor.values<float>();
  return {values.begin(), values.end()};
}

TEST(PyTorchState, ReordersAxes) {
  Rng rng(1, Stream::test);
  Sequential model;
  model.add<Conv2d>(2, 3, Pair{1, 2}, rng);
  number_elements(model);
  const PyTorchState state = to_pytorch(model, {4, 4, 2});
  ASSERT_EQ(state.tensors.size(), 2u);
  EXPECT_EQ(state.tensors[0].name, "0.weight");
  // Ours at [0, w, in, out] is 6 w + 3 in + out.
  EXPECT_EQ(state.tensors[0].tensor.shape(), Shape({3, 2, 1, 2}));
  EXPECT_EQ(values_of(state.tensors[0].tensor), (std::vector<float>{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11}));
  EXPECT_EQ(values_of(state.tensors[1].tensor), (std::vector<float>{0, 1, 2}));
  EXPECT_FALSE(state.tensors[1].tensor.shares_elements_with(model.state_dict()[1].tensor));
  EXPECT_TRUE(state.stored_as_int64.empty());
}

TEST(PyTorchState, ReordersFeaturesBehindFlatten) {
  Rng rng(1, Stream::test);
  Sequential model;
  model.add<Flatten>();
  model.add<BatchNorm>(8);
  model.add<ReLU>();
  model.add<Dropout>(0.5);
  model.add<Dense>(8, 8, rng);
  model.add<BatchNorm>(8);
  model.add<Dense>(8, 1, rng);
  number_elements(model);
  const PyTorchState state = to_pytorch(model, {1, 4, 2});
  // Feature w 2 + c of ours is feature c 4 + w of PyTorch.
  const std::vector<float> channels_first = {0, 2, 4, 6, 1, 3, 5, 7}, as_it_is = {0, 1, 2, 3, 4, 5, 6, 7};
  for (const char* name : {"1.weight", "1.bias", "1.running_mean", "1.running_var"}) {
    const auto at = std::find_if(state.tensors.begin(), state.tensors.end(),
                                 [&](const NamedTensor& named) { return named.name == name; });
    ASSERT_NE(at, state.tensors.end());
    EXPECT_EQ(values_of(at->tensor), channels_first) << name;
  }
  EXPECT_EQ(state.stored_as_int64, (std::set<std::string>{"1.num_batches_tracked", "5.num_batches_tracked"}));
  EXPECT_EQ(state.tensors[4].tensor.shape(), Shape());
  // Row i of ours begins with 8 i.
  const Tensor& dense = state.tensors[5].tensor;
  EXPECT_EQ(state.tensors[5].name, "4.weight");
  EXPECT_EQ(values_of(dense.rows(1, 2)), (std::vector<float>{1, 17, 33, 49, 9, 25, 41, 57}));
  EXPECT_EQ(values_of(state.tensors[6].tensor), as_it_is);  // its bias
  EXPECT_EQ(values_of(state.tensors[7].tensor), as_it_is);  // the BatchNorm behind it
  EXPECT_EQ(values_of(state.tensors.back().tensor), (std::vector<float>{0}));
}

TEST(PyTorchState, ComesBackBitForBit) {
  const ClassifierOptions options = {.input = {8, 12, 3}, .batch_norm = true, .dropout = 0.5};
  for (const bool convolutional : {false, true}) {
    const auto make = [&](std::uint64_t seed) {
      const Rng rng(seed, Stream::test);
      return convolutional ? cnn(rng, options) : mlp(rng, options);
    };
    const auto model = make(1), other = make(2);
    number_elements(*model);
    const PyTorchState state = to_pytorch(*model, options.input);
    EXPECT_TRUE(load_pytorch_state_dict(*other, options.input, state.tensors).empty());
    const std::vector<NamedTensor> expected = model->state_dict(), found = other->state_dict();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(same_bits(expected[i].tensor, found[i].tensor)) << expected[i].name;
    }
  }
}

TEST(PyTorchState, LoadsAllOrNothingAndSpeaksOfPyTorchsShapes) {
  Rng rng(1, Stream::test);
  Sequential model;
  model.add<Dense>(2, 3, rng);
  const Tensor before = model.state_dict()[0].tensor.clone();
  EXPECT_EQ(message_of<ValueError>([&] {
              load_pytorch_state_dict(model, {2},
                                      {{"0.weight", Tensor::ones({2, 3})}, {"0.bias", Tensor::ones({3})}});
            }),
            "[load_state_dict] mismatched 1: '0.weight' (expected [3,2] float32, found [2,3] float32)");
  EXPECT_TRUE(same_bits(before, model.state_dict()[0].tensor));
  const StateDifference difference =
      load_pytorch_state_dict(model, {2}, {{"0.bias", Tensor::ones({3})}}, {.strict = false});
  EXPECT_EQ(difference.to_string(), "missing 1: '0.weight'");
  EXPECT_EQ(model.state_dict()[1].tensor.at({0}), 1);
}

// x + body(x)
struct Residual final : Layer<Residual> {
  Child<Sequential> body;
  explicit Residual(std::shared_ptr<Sequential> layers) : body(child("body", std::move(layers))) {}
  Variable forward(const Variable& x, Context& context) override { return x + body(x, context); }
};

// A slope of its own for each feature.
struct Slopes final : Layer<Slopes> {
  Parameter slopes;
  explicit Slopes(Index n) : slopes(parameter("slopes", Tensor::ones({n}))) {}
  Variable forward(const Variable& x, Context&) override { return slopes * x; }
  std::string kind() const override { return "slopes"; }
};

// Flattens by an operation that is no layer.
struct Free final : Layer<Free> {
  Child<Dense> dense;
  explicit Free(Rng& rng) : dense(child("dense", std::make_shared<Dense>(12, 2, rng))) {}
  Variable forward(const Variable& x, Context& context) override {
    return dense(reshape(x, {x.shape()[0], -1}), context);
  }
};

std::shared_ptr<Residual> residual(Rng& rng, Index features) {
  auto body = std::make_shared<Sequential>();
  body->add<Dense>(features, features, rng);
  return std::make_shared<Residual>(body);
}

TEST(PyTorchState, FollowsFeaturesThroughContainers) {
  Rng rng(1, Stream::test);
  Sequential model;
  auto inner = std::make_shared<Sequential>();
  inner->add<Flatten>();
  model.add(inner);
  model.add<Dense>(12, 5, rng);
  model.add(residual(rng, 5));
  model.add<BatchNorm>(5);
  number_elements(model);
  const PyTorchState state = to_pytorch(model, {2, 3, 2});
  EXPECT_EQ(values_of(state.tensors[0].tensor.rows(0, 1)),
            (std::vector<float>{0, 10, 20, 30, 40, 50, 5, 15, 25, 35, 45, 55}));
  // Of [5,5], transposed only.
  EXPECT_EQ(values_of(state.tensors[2].tensor.rows(0, 1)), (std::vector<float>{0, 5, 10, 15, 20}));
}

TEST(PyTorchState, RefusesWhereTheOrderCannotBeTold) {
  Rng rng(1, Stream::test);
  const auto message = [](Module& model, const Shape& example) {
    return message_of<ValueError>([&] { to_pytorch(model, example); });
  };
  const std::string unknown =
      ": the features of its input do not come straight from a layer, so it cannot be told whether they are "
      "flattened images";
  Free free(rng);
  EXPECT_EQ(message(free, {2, 3, 2}), "[pytorch_state] layer dense (dense)" + unknown);
  // One channel, or one pixel: both orders are the same.
  EXPECT_EQ(message(free, {3, 4, 1}), "no error");
  EXPECT_EQ(message(free, {1, 1, 12}), "no error");
  EXPECT_EQ(message(free, {12}), "no error");

  Sequential sum;
  sum.add<Flatten>();
  sum.add(residual(rng, 12));
  sum.add<Dense>(12, 2, rng);
  EXPECT_EQ(message(sum, {2, 3, 2}), "[pytorch_state] layer 2 (dense)" + unknown);

  Sequential slopes;
  slopes.add<Flatten>();
  slopes.add<Slopes>(12);
  EXPECT_EQ(
      message(slopes, {2, 3, 2}),
      "[pytorch_state] layer 1 (slopes): its 'slopes' [12] may follow the order of flattened features; the "
      "layer must say so in pytorch_layout()");

  const auto shared = std::make_shared<Dense>(12, 12, rng);
  Sequential twice;
  twice.add<Flatten>();
  twice.add(shared);
  twice.add(shared);
  EXPECT_EQ(message(twice, {2, 3, 2}),
            "[pytorch_state] layer 2 (dense): it is run several times, on features in different orders");
  EXPECT_EQ(message(twice, {12}), "no error");
}

TEST(PyTorchState, RefusesLayersWithoutAnEquivalent) {
  Rng rng(1, Stream::test);
  const auto message = [](const std::shared_ptr<Module>& layer, const Shape& example) {
    Sequential model;
    model.add<ReLU>();
    model.add(layer);
    return message_of<ValueError>([&] { to_pytorch(model, example); });
  };
  const auto only_for = [](const std::string& layer, const std::string& input, const std::string& ranks) {
    return "[pytorch_state] layer 1 (" + layer + "): PyTorch has no equivalent layer for an input " + input +
           "; it has one for inputs of " + ranks + " axes";
  };
  const auto dense = std::make_shared<Dense>(3, 2, rng);
  EXPECT_EQ(message(dense, {4, 5, 3}), only_for("dense", "[2,4,5,3]", "2 or 3"));
  EXPECT_EQ(message(dense, {5, 3}), "no error");
  EXPECT_EQ(message(dense, {3}), "no error");
  const auto norm = std::make_shared<BatchNorm>(3);
  EXPECT_EQ(message(norm, {5, 3}), only_for("batch_norm", "[2,5,3]", "2 or 4"));
  EXPECT_EQ(message(norm, {4, 5, 3}), "no error");
  EXPECT_EQ(message(norm, {3}), "no error");
  const auto flatten = std::make_shared<Flatten>();
  EXPECT_EQ(message(flatten, {5, 3}), only_for("flatten", "[2,5,3]", "1 or 2 or 4"));
  EXPECT_EQ(message(flatten, {4, 5, 3}), "no error");
  for (const bool scale : {false, true}) {
    for (const bool center : {false, true}) {
      EXPECT_EQ(
          message(std::make_shared<BatchNorm>(3, BatchNormOptions{.scale = scale, .center = center}), {3}),
          scale == center ? "no error"
                          : "[pytorch_state] layer 1 (batch_norm): PyTorch has no equivalent layer: "
                            "PyTorch's has both scale and center, or neither");
    }
  }
}

TEST(PyTorchState, SharedLayersWithoutParametersAreRunOnAnything) {
  Rng rng(1, Stream::test);
  const auto relu = std::make_shared<ReLU>();
  Sequential model;
  model.add(relu);
  model.add<Flatten>();
  model.add(relu);
  model.add<Dense>(12, 2, rng);
  model.add(relu);
  number_elements(model);
  EXPECT_EQ(values_of(to_pytorch(model, {2, 3, 2}).tensors[0].tensor.rows(0, 1)),
            (std::vector<float>{0, 4, 8, 12, 16, 20, 2, 6, 10, 14, 18, 22}));
}

TEST(PyTorchState, ALayerAloneIsAModel) {
  Rng rng(1, Stream::test);
  Dense dense(2, 3, rng);
  EXPECT_EQ(to_pytorch(dense, {2}).tensors[0].tensor.shape(), Shape({3, 2}));
}

}  // namespace
}  // namespace keel::nn
