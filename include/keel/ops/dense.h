// The affine map of a fully connected layer.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// y = x weight + bias, over the last axis
//   shapes:   x [...,C], weight [C,K], bias [K] or undefined (none) -> [...,K]
//   gradient: dx += dy weight^T, dweight += x^T dy, dbias += the sum of dy over all rows
//   throws:   ShapeError or DTypeError with both shapes
Variable dense(const Variable& x, const Variable& weight, const Variable& bias);

}  // namespace keel
