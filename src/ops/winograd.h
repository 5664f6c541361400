// The convolutions that kernels/winograd.h computes, on tensors.
#pragma once

#include "keel/core/tensor.h"
#include "keel/ops/conv2d.h"

namespace keel {

// Whether a convolution of this input and weight is one of them, and faster so.
bool winograd_applies(const Shape& x, const Shape& weight, const Conv2dOptions& options);

// Whether the gradient of this weight is one of them too: not with so many channels that it takes more memory
// than it is worth.
bool winograd_weight_gradient_applies(const Shape& weight);

// activation(x * weight + bias). flipped: with the taps in reverse and input and output channels exchanged,
// what takes dy to dx if padding is 2 less the forward one.
Tensor winograd_convolve(const Tensor& x, const Tensor& weight, const Tensor* bias, Pair padding,
                         Activation activation, bool flipped);

// dweight += the gradient of the weight
void winograd_add_weight_gradient(const Tensor& x, const Tensor& dy, Tensor& dweight, Pair padding);

}  // namespace keel
