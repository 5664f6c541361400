// Shape: the extents of a tensor, outermost axis first.
//
// Letters used for axes everywhere in Keel:
//   N  examples in a batch        H, W  height and width of an image
//   C  channels (features)        K     classes, or kernel extent where a kernel is meant (KH, KW)
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace keel {

// Signed, as differences of sizes are common. 64 bits, as products of extents are.
using Index = std::int64_t;

// Axes of a tensor, as given to reductions and transposes. Negative axes count from the end.
using Axes = std::initializer_list<int>;

class Shape {
 public:
  static constexpr int kMaxRank = 8;

  // The shape of a scalar: rank 0, one element.
  Shape() = default;
  // throws: ShapeError if an extent is negative, the rank exceeds kMaxRank, or the product overflows.
  Shape(std::initializer_list<Index> extents);
  explicit Shape(std::span<const Index> extents);

  int rank() const { return rank_; }
  Index numel() const;
  // The extent of an axis; -1 is the last one. throws: ShapeError if there is no such axis.
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(normalize_axis(axis))]; }
  // The axis counted from the front. throws: ShapeError naming `operation` if there is no such axis.
  int normalize_axis(int axis, const char* operation = "shape") const;

  // This shape with one extent replaced.
  Shape with(int axis, Index extent) const;
  // This shape with the given axes set to 1 (keep_dims) or dropped.
  Shape reduced(std::span<const int> axes, bool keep_dims) const;
  // Product of the extents in [begin, end).
  Index numel_between(int begin, int end) const;

  const Index* begin() const { return extents_.data(); }
  const Index* end() const { return extents_.data() + rank_; }
  std::string to_string() const;  // "[64,28,28,3]"

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<Index, kMaxRank> extents_{};
  int rank_ = 0;
};

// The shape both broadcast to by NumPy's rules: axes are aligned at the end, and an extent of 1 stretches.
// throws: ShapeError naming `operation` and both shapes if they do not broadcast.
Shape broadcast_shapes(const char* operation, const Shape& a, const Shape& b);

}  // namespace keel

template <>
struct fmt::formatter<keel::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const keel::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(shape.to_string(), context);
  }
};
