#include "ops/row_mask.h"

#include <algorithm>
#include <span>

#include "keel/core/error.h"
#include "keel/core/tensor_ops.h"

namespace keel {

RowMask row_mask(const Tensor& mask, const Shape& x) {
  const int rank = mask.rank();
  check<ShapeError>(
      rank >= 1 && rank < x.rank() && std::equal(mask.shape().begin(), mask.shape().end(), x.begin()),
      "[batch_norm] input {} expects a mask of its leading axes without the last, found {}", x, mask.shape());
  const Tensor flags = mask.to(DType::float64);
  RowMask result;
  result.rows = x.numel() / x[-1];
  const Index rows_of_flag = flags.numel() > 0 ? result.rows / flags.numel() : 0;
  for (Index i = 0; i < flags.numel(); ++i) {
    const Index begin = i * rows_of_flag, end = begin + rows_of_flag;
    if (flags.data<double>()[i] != 0) {
      for (Index row = begin; row < end; ++row) result.counted.push_back(static_cast<std::int32_t>(row));
    } else if (!result.left_out.empty() && result.left_out.back().second == begin) {
      result.left_out.back().second = end;
    } else {
      result.left_out.emplace_back(begin, end);
    }
  }
  check<ValueError>(!result.counted.empty(), "[batch_norm] the mask {} leaves no row of the input {}",
                    mask.shape(), x);
  return result;
}

Tensor counted_rows(const Tensor& x, const RowMask& mask) {
  return gather_rows(x.reshape({mask.rows, x.size(-1)}), mask.counted);
}

}  // namespace keel
