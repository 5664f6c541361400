// Matrix product.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// y = a b
//   shapes:   a [M,K], b [K,N] -> [M,N]
//   gradient: da += dy b^T, db += a^T dy
//   throws:   ShapeError unless both are matrices and the inner extents agree; DTypeError
Variable matmul(const Variable& a, const Variable& b);

}  // namespace keel
