// Tensor: a contiguous, row-major array of one element type. No gradients here: see autograd/variable.h.
//
// A Tensor is a handle: copies share their elements, clone() makes new ones. Views (reshape, and a slice of
// the first axis) share elements as well; everything else copies.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keel/core/dtype.h"
#include "keel/core/error.h"
#include "keel/core/shape.h"

namespace keel {

class Tensor {
 public:
  // No tensor at all: defined() is false, and whatever asks for elements throws.
  Tensor() = default;

  // Elements undefined. throws, as all that make new elements: ShapeError if their bytes cannot be counted.
  static Tensor empty(const Shape& shape, DType dtype = DType::float32);
  static Tensor like(const Tensor& other) { return empty(other.shape(), other.dtype()); }
  static Tensor zeros(const Shape& shape, DType dtype = DType::float32);
  static Tensor ones(const Shape& shape, DType dtype = DType::float32);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::float32);
  static Tensor zeros_like(const Tensor& other) { return zeros(other.shape(), other.dtype()); }

  // A copy of the given elements. throws: ShapeError if their number is not that of the shape.
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  template <class T>
  static Tensor from(const Shape& shape, std::initializer_list<T> values) {
    return from<T>(shape, std::span<const T>(values.begin(), values.size()));
  }
  template <class T>
  static Tensor from(const Shape& shape, const std::vector<T>& values) {
    return from<T>(shape, std::span<const T>(values));
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  Index size(int axis) const { return shape_[axis]; }
  Index numel() const { return numel_; }
  DType dtype() const { return dtype_; }

  // The elements, in row-major order. throws: DTypeError if T is not the element type.
  template <class T>
  T* data() {
    require_dtype(dtype_of<T>());
    return reinterpret_cast<T*>(bytes_);
  }
  template <class T>
  const T* data() const {
    require_dtype(dtype_of<T>());
    return reinterpret_cast<const T*>(bytes_);
  }
  template <class T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<std::size_t>(numel_)};
  }
  std::byte* bytes() { return bytes_; }
  const std::byte* bytes() const { return bytes_; }
  std::size_t num_bytes() const { return static_cast<std::size_t>(numel_) * size_of(dtype_); }

  // The only element, as a double. throws: ShapeError if there is not exactly one.
  double item() const;
  // Element by index, as a double: for printing and tests, not for loops. throws: ShapeError if out of range.
  double at(std::initializer_list<Index> index) const;

  // A view with another shape; one extent may be -1 (inferred). throws: ShapeError if the numbers differ.
  Tensor reshape(std::initializer_list<Index> extents) const;
  Tensor reshape(const Shape& shape) const;
  // A view of rows [begin, end) of the first axis. throws: ShapeError if out of range.
  Tensor rows(Index begin, Index end) const;

  Tensor clone() const;
  // A copy with another element type (a plain handle if it is the same). Reals are truncated towards zero;
  // what an integer type cannot hold becomes the nearest value it can, NaN 0.
  Tensor to(DType dtype) const;
  void fill(double value);
  // Copies elements. throws: ShapeError or DTypeError if shape or element type differ.
  void copy_from(const Tensor& source);

  // True if no other handle shares these elements.
  bool unique() const { return storage_.use_count() == 1; }
  bool shares_elements_with(const Tensor& other) const { return defined() && storage_ == other.storage_; }

  // Shape, type and the first elements, for messages and debuggers.
  std::string to_string() const;

 private:
  void require_dtype(DType expected) const {
    if (expected != dtype_ || !defined()) throw_wrong_dtype(expected);
  }
  [[noreturn]] void throw_wrong_dtype(DType expected) const;

  std::shared_ptr<std::byte> storage_;
  std::byte* bytes_ = nullptr;
  Shape shape_;
  Index numel_ = 0;
  DType dtype_ = DType::float32;
};

}  // namespace keel
