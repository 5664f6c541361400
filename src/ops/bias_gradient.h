// Backwards through the bias and the activation at the end of an operation.
#pragma once

#include "keel/core/tensor.h"

namespace keel {

struct BiasGradient {
  Tensor input;  // the gradient in front of the activation: dy itself without one
  Tensor bias;   // its sum over all but the last axis; undefined unless wanted
};

//   activated   the operation's result behind a relu, or undefined without an activation
BiasGradient bias_gradient(const Tensor& dy, const Tensor& activated, bool wants_bias);

}  // namespace keel
