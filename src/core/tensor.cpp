#include "keel/core/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "keel/core/allocator.h"

namespace keel {
namespace {

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    // A conversion out of range is undefined in C++; so is NaN's, which becomes 0 here.
    if (!(value == value)) return 0;
    if (value <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (value >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else if constexpr (std::is_same_v<To, std::uint8_t> && std::is_same_v<From, std::int32_t>) {
    return static_cast<To>(std::clamp(value, 0, 255));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  const Index numel = shape.numel();
  check<ShapeError>(numel <= std::numeric_limits<std::ptrdiff_t>::max() / static_cast<Index>(size_of(dtype)),
                    "[tensor] {} of {} elements has more bytes than can be counted", shape, name_of(dtype));
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.numel_ = numel;
  tensor.storage_ = allocate(tensor.num_bytes());
  tensor.bytes_ = tensor.storage_.get();
  return tensor;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  std::memset(tensor.bytes_, 0, tensor.num_bytes());
  return tensor;
}

Tensor Tensor::ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  tensor.fill(value);
  return tensor;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  check<ShapeError>(static_cast<Index>(values.size()) == shape.numel(),
                    "[tensor] shape {} has {} elements, found {} values", shape, shape.numel(),
                    values.size());
  Tensor tensor = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}
template Tensor Tensor::from(const Shape&, std::span<const float>);
template Tensor Tensor::from(const Shape&, std::span<const double>);
template Tensor Tensor::from(const Shape&, std::span<const std::int32_t>);
template Tensor Tensor::from(const Shape&, std::span<const std::uint8_t>);

double Tensor::item() const {
  if (!defined() || numel_ != 1) {
    throw ShapeError(fmt::format("[item] expected a tensor of one element, found {}", to_string()));
  }
  return dispatch(dtype_, [&](auto zero) { return static_cast<double>(*data<decltype(zero)>()); });
}

double Tensor::at(std::initializer_list<Index> index) const {
  check<ShapeError>(static_cast<int>(index.size()) == rank(), "[at] shape {} expects {} indices, found {}",
                    shape_, rank(), index.size());
  Index offset = 0;
  int axis = 0;
  for (const Index i : index) {
    check<ShapeError>(i >= 0 && i < shape_[axis], "[at] index {} is out of range on axis {} of {}", i, axis,
                      shape_);
    offset = offset * shape_[axis++] + i;
  }
  return dispatch(dtype_, [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[offset]); });
}

Tensor Tensor::reshape(const Shape& shape) const {
  check<ShapeError>(shape.numel() == numel_, "[reshape] {} has {} elements, {} has {}", shape_, numel_, shape,
                    shape.numel());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::reshape(std::initializer_list<Index> extents) const {
  std::vector<Index> resolved(extents);
  const auto inferred = std::find(resolved.begin(), resolved.end(), -1);
  if (inferred != resolved.end()) {
    check<ShapeError>(std::count(inferred, resolved.end(), -1) == 1,
                      "[reshape] at most one extent of [{}] may be -1", fmt::join(extents, ","));
    *inferred = 1;
    const Index known = Shape(std::span<const Index>(resolved)).numel();
    check<ShapeError>(known > 0 && numel_ % known == 0, "[reshape] {} with {} elements does not fit [{}]",
                      shape_, numel_, fmt::join(extents, ","));
    *inferred = numel_ / known;
  }
  return reshape(Shape(std::span<const Index>(resolved)));
}

Tensor Tensor::rows(Index begin, Index end) const {
  check<ShapeError>(rank() >= 1 && 0 <= begin && begin <= end && end <= shape_[0],
                    "[rows] rows {} to {} are not within {}", begin, end, shape_);
  Tensor view = *this;
  view.shape_ = shape_.with(0, end - begin);
  view.numel_ = view.shape_.numel();
  view.bytes_ += static_cast<std::size_t>(begin * shape_.numel_between(1, rank())) * size_of(dtype_);
  return view;
}

Tensor Tensor::clone() const {
  check(defined(), "[clone] expected a tensor, found an undefined one");
  Tensor copy = empty(shape_, dtype_);
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result = empty(shape_, dtype);
  dispatch(dtype_, [&](auto from_zero) {
    using From = decltype(from_zero);
    dispatch(dtype, [&](auto to_zero) {
      using To = decltype(to_zero);
      std::transform(data<From>(), data<From>() + numel_, result.data<To>(), convert<To, From>);
    });
  });
  return result;
}

void Tensor::fill(double value) {
  dispatch(dtype_, [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(data<T>(), numel_, convert<T, double>(value));
  });
}

void Tensor::copy_from(const Tensor& source) {
  check(defined() && source.defined(), "[copy_from] expected a tensor, found an undefined one");
  check<ShapeError>(shape_ == source.shape_, "[copy_from] expected shape {}, found {}", shape_,
                    source.shape_);
  check<DTypeError>(dtype_ == source.dtype_, "[copy_from] expected {} elements, found {}", name_of(dtype_),
                    name_of(source.dtype_));
  if (numel_ > 0) std::memcpy(bytes_, source.bytes_, num_bytes());
}

std::string Tensor::to_string() const {
  if (!defined()) return "undefined tensor";
  std::string elements;
  constexpr Index kShown = 8;
  dispatch(dtype_, [&](auto zero) {
    const auto* values = data<decltype(zero)>();
    elements = fmt::format("{}", fmt::join(values, values + std::min(numel_, kShown), ", "));
  });
  return fmt::format("{} {} {{{}{}}}", name_of(dtype_), shape_, elements, numel_ > kShown ? ", ..." : "");
}

void Tensor::throw_wrong_dtype(DType expected) const {
  throw DTypeError(fmt::format("[tensor] expected {} elements, found {}", name_of(expected),
                               defined() ? name_of(dtype_) : "an undefined tensor"));
}

}  // namespace keel
