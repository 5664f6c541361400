// The affine map of a fully connected layer.
#pragma once

#include "keel/autograd/variable.h"
#include "keel/ops/activation.h"

namespace keel {

// y = activation(x weight + bias), over the last axis
//   shapes:   x [...,C], weight [C,K], bias [K] or undefined (none) -> [...,K]
//   gradient: with dz = dy [y > 0] for relu, dy for none:
//             dx += dz weight^T, dweight += x^T dz, dbias += the sum of dz over all rows
//   throws:   ShapeError or DTypeError with both shapes
// Each row of y has the same bits whatever other rows there are, up to products of 2^28 multiplications.
Variable dense(const Variable& x, const Variable& weight, const Variable& bias,
               Activation activation = Activation::none);

}  // namespace keel
