// Functions of tensors, without gradients. ops/ builds the differentiable ones on these.
//
// Unless said otherwise: results are new tensors; float32 and float64 elements; both operands of one element
// type; throws: ShapeError or DTypeError naming the operation and what was found, Error if an operand is
// undefined.
#pragma once

#include <span>
#include <vector>

#include "keel/core/tensor.h"

namespace keel {

// a op b, element by element, with broadcasting.   shapes: any two that broadcast
Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);

// scale * a + shift
Tensor affine(const Tensor& a, double scale, double shift);
// target += scale * source.   shapes: equal
void add_scaled(Tensor& target, const Tensor& source, double scale = 1);

// Reductions over axes (all axes if none are given). keep_dims leaves them with extent 1, so that the result
// broadcasts against the input. Of no elements, the sum is 0 and the mean NaN; max throws ShapeError. The
// maximum of elements with a NaN among them is NaN.
Tensor sum(const Tensor& a, std::span<const int> axes = {}, bool keep_dims = false);
Tensor mean(const Tensor& a, std::span<const int> axes = {}, bool keep_dims = false);
Tensor max(const Tensor& a, std::span<const int> axes = {}, bool keep_dims = false);
// The position of the largest element along the last axis (the first of equals; NaN counts as largest),
// int32.
//   shapes: [..., K] -> [...]
Tensor argmax(const Tensor& a);

// The gradient of broadcasting: sums over the axes along which `shape` was stretched to a's shape. A handle
// or view of `a` where there is nothing to sum.
Tensor sum_to(const Tensor& a, const Shape& shape);
// Stretches axes of extent 1.
Tensor broadcast_to(const Tensor& a, const Shape& shape);

// Any element type:

// Axes in a new order: result axis i is input axis order[i].   throws: ShapeError if not a permutation
Tensor transpose(const Tensor& a, std::span<const int> order);
// Elements [begin, end) along an axis.
Tensor slice(const Tensor& a, int axis, Index begin, Index end);
// target[begin:end along axis] += source: the gradient of slice. Reals only.
void add_to_slice(Tensor& target, int axis, Index begin, const Tensor& source);
// One after the other along an axis; all other extents equal.   throws: also ValueError if there are none
Tensor concatenate(const std::vector<Tensor>& parts, int axis);
// Rows of the first axis, in the given order. throws: ShapeError if an index is out of range
Tensor gather_rows(const Tensor& a, std::span<const std::int32_t> indices);

// True if every element is finite (always, for integers).
bool all_finite(const Tensor& a);

}  // namespace keel
