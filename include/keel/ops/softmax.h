// Softmax and its logarithm, over the last axis.
//
//   shapes:   [..., K] -> the same
//   gradient: x
//   throws:   ShapeError for a scalar or K = 0; DTypeError
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// y_k = e^(x_k - m) / sum_j e^(x_j - m), m the largest of the row          dx += y (dy - sum_k dy_k y_k)
Variable softmax(const Variable& x);
// y_k = x_k - m - log sum_j e^(x_j - m)                                    dx += dy - e^y sum_k dy_k
Variable log_softmax(const Variable& x);

}  // namespace keel
