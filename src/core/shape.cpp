#include "keel/core/shape.h"

#include <algorithm>

#include "keel/core/error.h"

namespace keel {

Shape::Shape(std::initializer_list<Index> extents)
    : Shape(std::span<const Index>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const Index> extents) {
  check<ShapeError>(extents.size() <= kMaxRank, "[shape] a rank of {} is above the highest, {}",
                    extents.size(), kMaxRank);
  Index numel = 1;
  for (const Index extent : extents) {
    check<ShapeError>(extent >= 0, "[shape] extents are at least 0, found {}", extent);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    // Also with an extent of 0 somewhere, so that products over some of the axes are safe.
    check<ShapeError>(!__builtin_mul_overflow(numel, std::max<Index>(extent, 1), &numel),
                      "[shape] {} has more elements than can be counted", *this);
  }
}

Index Shape::numel() const { return numel_between(0, rank_); }

Index Shape::numel_between(int begin, int end) const {
  Index product = 1;
  for (int axis = begin; axis < end; ++axis) product *= extents_[static_cast<std::size_t>(axis)];
  return product;
}

int Shape::normalize_axis(int axis, const char* operation) const {
  check<ShapeError>(axis >= -rank_ && axis < rank_, "[{}] {} has no axis {}", operation, *this, axis);
  return axis < 0 ? axis + rank_ : axis;
}

Shape Shape::with(int axis, Index extent) const {
  std::array<Index, kMaxRank> extents = extents_;
  extents[static_cast<std::size_t>(normalize_axis(axis))] = extent;
  return Shape(std::span<const Index>(extents.data(), static_cast<std::size_t>(rank_)));
}

Shape Shape::reduced(std::span<const int> axes, bool keep_dims) const {
  std::array<bool, kMaxRank> dropped{};
  for (const int axis : axes) dropped[static_cast<std::size_t>(normalize_axis(axis))] = true;
  Shape result;
  for (int axis = 0; axis < rank_; ++axis) {
    if (!dropped[static_cast<std::size_t>(axis)]) {
      result.extents_[static_cast<std::size_t>(result.rank_++)] = extents_[static_cast<std::size_t>(axis)];
    } else if (keep_dims) {
      result.extents_[static_cast<std::size_t>(result.rank_++)] = 1;
    }
  }
  return result;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(begin(), end(), ",")); }

bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Shape broadcast_shapes(const char* operation, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<Index, Shape::kMaxRank> extents{};
  for (int axis = -1; axis >= -rank; --axis) {
    const Index extent_a = -axis <= a.rank() ? a[axis] : 1;
    const Index extent_b = -axis <= b.rank() ? b[axis] : 1;
    check<ShapeError>(extent_a == extent_b || extent_a == 1 || extent_b == 1,
                      "[{}] shapes {} and {} do not broadcast: axis {} has extents {} and {}", operation, a,
                      b, axis, extent_a, extent_b);
    extents[static_cast<std::size_t>(rank + axis)] = extent_a == 1 ? extent_b : extent_a;
  }
  return Shape(std::span<const Index>(extents.data(), static_cast<std::size_t>(rank)));
}

}  // namespace keel
