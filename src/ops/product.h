// Matrix products of tensors, for the operations built on them.
#pragma once

#include "keel/autograd/variable.h"
#include "kernels/dispatch/gemm.h"

namespace keel {

// y = op(a) op(b), or y += with scale_y = 1. Tensors are seen as matrices [all leading axes, last axis].
//   throws: DTypeError unless all three have one real element type; ShapeError if an extent is too large for
//   BLAS
void product(const char* operation, const Tensor& a, const Tensor& b, Tensor& y,
             kernels::GemmOptions options);

// Adds op(a) op(b) to the gradient of an input.
void add_product(const char* operation, const Tensor& a, const Tensor& b, Gradients& gradients,
                 std::size_t input, kernels::GemmOptions options);

}  // namespace keel
