// check_module: what every layer and model must do, whatever it computes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keel/nn/module.h"

namespace keel::testing {

// Makes the layer. Called with two streams, for two layers that may start from different values.
using ModuleMaker = std::function<std::shared_ptr<nn::Module>(Rng& rng)>;

struct ModuleExpectation {
  Tensor input;  // float64, away from kinks and ties
  Shape output_shape;
  // Whether the output in training differs from that in evaluation.
  bool differs_in_training = false;
  // Names of parameters whose gradient is exactly zero in training: a bias in front of BatchNorm.
  std::vector<std::string> zero_gradients_in_training = {};
  // Whether what backward() gives in training is the gradient of the forward function. Otherwise (constants
  // that are none) it is not checked here: compare it with its formula.
  bool exact_gradients_in_training = true;
  // Whether the input is ids, whole numbers: they have no gradient, and others need not be ids.
  bool input_is_ids = false;
};

//   EXPECT_TRUE(check_module([](Rng& rng) { return std::make_shared<nn::Dense>(3, 5, rng); },
//                            {.input = random_tensor({4, 3}), .output_shape = {4, 5}}));
//
// In training and in evaluation: the output has the shape, and the element type of the input (float32 and
// float64); it is a function of input, parameters, buffers and the context's stream; it is the same with
// recording off; the gradients of the input and of each parameter pass gradcheck; the input is left alone.
// A clone gives the same bits, has the same names and shares nothing. Its state, saved as safetensors and
// loaded, makes another instance give the same bits, so nothing that matters is unregistered.
// A failure lists all that is wrong.
::testing::AssertionResult check_module(const ModuleMaker& make, const ModuleExpectation& expected);

// Same shape, element type and bits.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace keel::testing
