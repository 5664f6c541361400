// The functions of tensor_ops.h that move elements without looking at them.
#include <algorithm>
#include <cstring>

#include "core/require.h"
#include "keel/core/tensor_ops.h"
#include "kernels/elementwise.h"

namespace keel {
namespace {

// A tensor seen as [outer, extent of one axis, inner]; a run is the inner elements in bytes.
struct AxisView {
  Index outer, extent;
  std::size_t run;
};

AxisView view_axis(const Tensor& a, int axis) {
  return {a.shape().numel_between(0, axis), a.size(axis),
          static_cast<std::size_t>(a.shape().numel_between(axis + 1, a.rank())) * size_of(a.dtype())};
}

template <std::size_t kBytes>
void copy_strided(const std::byte* from, Index stride, std::byte* to, Index n) {
  for (Index i = 0; i < n; ++i) {
    std::memcpy(to + static_cast<std::size_t>(i) * kBytes,
                from + static_cast<std::size_t>(i * stride) * kBytes, kBytes);
  }
}

}  // namespace

Tensor transpose(const Tensor& a, std::span<const int> order) {
  require_defined("transpose", a);
  const int rank = a.rank();
  std::array<Index, Shape::kMaxRank> extents{}, strides{};
  std::array<bool, Shape::kMaxRank> seen{};
  check<ShapeError>(static_cast<int>(order.size()) == rank, "[transpose] shape {} expects {} axes, found {}",
                    a.shape(), rank, order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int axis = a.shape().normalize_axis(order[i], "transpose");
    check<ShapeError>(!seen[static_cast<std::size_t>(axis)], "[transpose] axis {} of {} is named twice", axis,
                      a.shape());
    seen[static_cast<std::size_t>(axis)] = true;
    extents[i] = a.size(axis);
    strides[i] = a.shape().numel_between(axis + 1, rank);
  }
  Tensor result = Tensor::empty(Shape(std::span<const Index>(extents.data(), order.size())), a.dtype());
  if (rank == 0 || a.numel() == 0) {
    if (a.numel() > 0) std::memcpy(result.bytes(), a.bytes(), a.num_bytes());
    return result;
  }
  const std::size_t bytes = size_of(a.dtype());
  const auto inner = static_cast<std::size_t>(rank - 1);
  const Index n = extents[inner], rows = result.numel() / n;
  for (Index row = 0; row < rows; ++row) {
    Index rest = row, offset = 0;
    for (std::size_t axis = inner; axis-- > 0;) {
      offset += rest % extents[axis] * strides[axis];
      rest /= extents[axis];
    }
    const std::byte* from = a.bytes() + static_cast<std::size_t>(offset) * bytes;
    std::byte* to = result.bytes() + static_cast<std::size_t>(row * n) * bytes;
    if (bytes == 1) copy_strided<1>(from, strides[inner], to, n);
    if (bytes == 4) copy_strided<4>(from, strides[inner], to, n);
    if (bytes == 8) copy_strided<8>(from, strides[inner], to, n);
  }
  return result;
}

Tensor slice(const Tensor& a, int axis, Index begin, Index end) {
  require_defined("slice", a);
  axis = a.shape().normalize_axis(axis, "slice");
  check<ShapeError>(0 <= begin && begin <= end && end <= a.size(axis),
                    "[slice] elements {} to {} are not within axis {} of {}", begin, end, axis, a.shape());
  Tensor result = Tensor::empty(a.shape().with(axis, end - begin), a.dtype());
  const AxisView view = view_axis(a, axis);
  const std::size_t bytes = static_cast<std::size_t>(end - begin) * view.run;
  for (Index o = 0; bytes > 0 && o < view.outer; ++o) {
    std::memcpy(result.bytes() + static_cast<std::size_t>(o) * bytes,
                a.bytes() + static_cast<std::size_t>(o * view.extent + begin) * view.run, bytes);
  }
  return result;
}

void add_to_slice(Tensor& target, int axis, Index begin, const Tensor& source) {
  require_defined("add_to_slice", target);
  require_defined("add_to_slice", source);
  axis = target.shape().normalize_axis(axis, "add_to_slice");
  check<DTypeError>(source.dtype() == target.dtype(),
                    "[add_to_slice] expected operands of one element type, found {} and {}",
                    name_of(target.dtype()), name_of(source.dtype()));
  check<ShapeError>(
      source.rank() == target.rank() && source.shape() == target.shape().with(axis, source.size(axis)) &&
          0 <= begin && begin <= target.size(axis) - source.size(axis),
      "[add_to_slice] {} does not fit axis {} of {} from {}", source.shape(), axis, target.shape(), begin);
  dispatch_floating("add_to_slice", target.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index inner = target.shape().numel_between(axis + 1, target.rank());
    const Index n = source.size(axis) * inner;
    for (Index o = 0; o < target.shape().numel_between(0, axis); ++o) {
      kernels::add_scaled(source.data<T>() + o * n, 1,
                          target.data<T>() + (o * target.size(axis) + begin) * inner, n);
    }
  });
}

Tensor concatenate(const std::vector<Tensor>& parts, int axis) {
  check<ValueError>(!parts.empty(), "[concatenate] expected at least one tensor, found none");
  for (const Tensor& part : parts) require_defined("concatenate", part);
  const Tensor& first = parts.front();
  axis = first.shape().normalize_axis(axis, "concatenate");
  Index extent = 0;
  for (const Tensor& part : parts) {
    check<ShapeError>(
        part.rank() == first.rank() && part.shape() == first.shape().with(axis, part.size(axis)),
        "[concatenate] along axis {}: {} does not fit {}", axis, part.shape(), first.shape());
    check<DTypeError>(part.dtype() == first.dtype(), "[concatenate] expected {} elements, found {}",
                      name_of(first.dtype()), name_of(part.dtype()));
    extent += part.size(axis);
  }
  Tensor result = Tensor::empty(first.shape().with(axis, extent), first.dtype());
  const AxisView whole = view_axis(result, axis);
  Index begin = 0;
  for (const Tensor& part : parts) {
    const std::size_t bytes = static_cast<std::size_t>(part.size(axis)) * whole.run;
    for (Index o = 0; bytes > 0 && o < whole.outer; ++o) {
      std::memcpy(result.bytes() + static_cast<std::size_t>(o * extent + begin) * whole.run,
                  part.bytes() + static_cast<std::size_t>(o) * bytes, bytes);
    }
    begin += part.size(axis);
  }
  return result;
}

Tensor gather_rows(const Tensor& a, std::span<const std::int32_t> indices) {
  require_defined("gather_rows", a);
  check<ShapeError>(a.rank() >= 1, "[gather_rows] a scalar has no rows");
  Tensor result = Tensor::empty(a.shape().with(0, static_cast<Index>(indices.size())), a.dtype());
  const std::size_t run = view_axis(a, 0).run;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    check<ShapeError>(indices[i] >= 0 && indices[i] < a.size(0),
                      "[gather_rows] index {} is out of range for {}", indices[i], a.shape());
    if (run > 0)
      std::memcpy(result.bytes() + i * run, a.bytes() + static_cast<std::size_t>(indices[i]) * run, run);
  }
  return result;
}

}  // namespace keel
