// Operations that move elements without changing them.
//
//   gradient: each element's goes back where the element came from
//   throws:   ShapeError naming the operation and the shapes
#pragma once

#include <vector>

#include "keel/autograd/variable.h"

namespace keel {

// The same elements with another shape; one extent may be -1 (inferred).   shapes: equal numbers of elements
Variable reshape(const Variable& x, std::initializer_list<Index> extents);
Variable reshape(const Variable& x, const Shape& shape);
// Axes in a new order: result axis i is input axis order[i].
Variable transpose(const Variable& x, const std::vector<int>& order);
// The last two axes exchanged.   shapes: [..., M, N] -> [..., N, M]
Variable transpose(const Variable& x);
// Elements [begin, end) along an axis.
Variable slice(const Variable& x, int axis, Index begin, Index end);
// One after the other along an axis; all other extents equal.
Variable concatenate(const std::vector<Variable>& parts, int axis);

}  // namespace keel
