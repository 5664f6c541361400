// Matrix products of tensors, for the operations built on them.
#pragma once

#include "keel/core/tensor.h"
#include "keel/ops/activation.h"

namespace keel {

struct ProductOptions {
  bool transpose_a = false;
  bool transpose_b = false;
  const Tensor* bias = nullptr;  // [columns], added to every row
  Activation activation = Activation::none;
};

// activation(op(a) op(b) + bias) in a new tensor of the given shape. Tensors are seen as matrices [all
// leading axes, last axis].
//   throws: DTypeError unless both have one real element type; ShapeError if an extent is too large for BLAS
Tensor product(const char* operation, const Tensor& a, const Tensor& b, const Shape& shape,
               const ProductOptions& options);

}  // namespace keel
