// Walking through the elements of tensors of any rank, for naive references.
#pragma once

#include <vector>

#include "keel/core/tensor.h"

namespace keel::testing {

// The indices of the element at `offset` in row-major order.
inline std::vector<Index> unravel(Index offset, const Shape& shape) {
  std::vector<Index> index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = offset % shape[axis];
    offset /= shape[axis];
  }
  return index;
}

// The place, in row-major order, of the element that `index` (of the same or a higher rank) names in a tensor
// of `shape` by the rules of broadcasting.
inline Index offset_of(const std::vector<Index>& index, const Shape& shape) {
  Index offset = 0;
  const std::size_t skipped = index.size() - static_cast<std::size_t>(shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Index i = shape[axis] == 1 ? 0 : index[skipped + static_cast<std::size_t>(axis)];
    offset = offset * shape[axis] + i;
  }
  return offset;
}

// Element `offset` in row-major order, as a double, whatever the type.
inline double element(const Tensor& t, Index offset) { return t.reshape({-1}).at({offset}); }

}  // namespace keel::testing
