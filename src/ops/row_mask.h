// Which rows of a batch count, for batch_norm.
#pragma once

#include <utility>
#include <vector>

#include "keel/core/tensor.h"

namespace keel {

struct RowMask {
  Index rows = 0;
  std::vector<std::int32_t> counted;              // the rows that count, in order
  std::vector<std::pair<Index, Index>> left_out;  // [begin, end) of the rows between them
};

// `mask` has the leading extents of x, which is [...,C].
//   throws: ShapeError with both shapes; ValueError if no row counts
RowMask row_mask(const Tensor& mask, const Shape& x);

// The rows of x that count, [R,C].
Tensor counted_rows(const Tensor& x, const RowMask& mask);

}  // namespace keel
