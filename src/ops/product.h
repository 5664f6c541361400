// Matrix products of tensors, for the operations built on them.
#pragma once

#include "keel/core/tensor.h"
#include "kernels/dispatch/gemm.h"

namespace keel {

// op(a) op(b) in a new tensor of the given shape. Tensors are seen as matrices [all leading axes, last axis].
//   throws: DTypeError unless both have one real element type; ShapeError if an extent is too large for BLAS
Tensor product(const char* operation, const Tensor& a, const Tensor& b, const Shape& shape,
               const kernels::GemmOptions& options);

}  // namespace keel
