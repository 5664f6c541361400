#include "keel/core/tensor_ops.h"

#include <algorithm>

#include "core/require.h"
#include "kernels/elementwise.h"
#include "kernels/reduce.h"

namespace keel {
namespace {

void require_same_dtype(const char* operation, const Tensor& a, const Tensor& b) {
  require_defined(operation, a);
  require_defined(operation, b);
  check<DTypeError>(a.dtype() == b.dtype(), "[{}] expected operands of one element type, found {} and {}",
                    operation, name_of(a.dtype()), name_of(b.dtype()));
}

// Strides of a contiguous tensor of `shape` seen as `rank` axes of another, 0 where it is stretched.
std::array<Index, Shape::kMaxRank> broadcast_strides(const Shape& shape, int rank) {
  std::array<Index, Shape::kMaxRank> strides{};
  Index stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(rank - shape.rank() + axis)] = shape[axis] == 1 ? 0 : stride;
    stride *= shape[axis];
  }
  return strides;
}

// The loop nest for a op b, with neighbouring axes merged wherever both operands run through them evenly.
kernels::BroadcastPlan plan_broadcast(const Shape& a, const Shape& b, const Shape& out) {
  const auto a_strides = broadcast_strides(a, out.rank());
  const auto b_strides = broadcast_strides(b, out.rank());
  kernels::BroadcastPlan plan;
  for (int axis = 0; axis < out.rank(); ++axis) {
    const Index extent = out[axis];
    const Index sa = a_strides[static_cast<std::size_t>(axis)],
                sb = b_strides[static_cast<std::size_t>(axis)];
    if (extent == 1) continue;
    const int last = plan.rank - 1;
    if (last >= 0 && plan.a_strides[last] == sa * extent && plan.b_strides[last] == sb * extent) {
      plan.extents[last] *= extent;
      plan.a_strides[last] = sa;
      plan.b_strides[last] = sb;
    } else {
      plan.extents[plan.rank] = extent;
      plan.a_strides[plan.rank] = sa;
      plan.b_strides[plan.rank] = sb;
      ++plan.rank;
    }
  }
  return plan;
}

template <class Kernel>
Tensor binary(const char* operation, const Tensor& a, const Tensor& b, const Kernel& kernel) {
  require_same_dtype(operation, a, b);
  Tensor y = Tensor::empty(broadcast_shapes(operation, a.shape(), b.shape()), a.dtype());
  const kernels::BroadcastPlan plan = plan_broadcast(a.shape(), b.shape(), y.shape());
  dispatch_floating(operation, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (y.numel() > 0) kernel(a.data<T>(), b.data<T>(), y.data<T>(), &plan);
  });
  return y;
}

// Reduces runs of neighbouring axes one after the other, from the last to the first.
//   reduce(x, outer, n, inner, y) with x seen as [outer, n, inner] and y as [outer, inner]
template <class Reduce>
Tensor reduce_axes(const char* operation, const Tensor& a, std::span<const int> axes, bool keep_dims,
                   const Reduce& reduce) {
  std::array<bool, Shape::kMaxRank> reduced{};
  for (const int axis : axes) {
    reduced[static_cast<std::size_t>(a.shape().normalize_axis(axis, operation))] = true;
  }
  if (axes.empty()) reduced.fill(true);

  Tensor x = a;
  for (int end = a.rank(); end > 0;) {
    int begin = end - 1;
    const bool run = reduced[static_cast<std::size_t>(begin)];
    while (begin > 0 && reduced[static_cast<std::size_t>(begin - 1)] == run) --begin;
    if (run) {
      const Shape& shape = x.shape();
      Shape kept = shape;
      for (int axis = begin; axis < end; ++axis) kept = kept.with(axis, 1);
      Tensor y = Tensor::empty(kept, x.dtype());
      reduce(x, shape.numel_between(0, begin), shape.numel_between(begin, end),
             shape.numel_between(end, shape.rank()), y);
      x = y;
    }
    end = begin;
  }
  if (x.shares_elements_with(a)) x = a.clone();  // nothing to reduce: still a new tensor
  if (keep_dims) return x;
  if (axes.empty()) return x.reshape(Shape{});
  return x.reshape(a.shape().reduced(axes, false));
}

Tensor scaled_sum(const char* operation, const Tensor& a, std::span<const int> axes, bool keep_dims,
                  bool mean) {
  require_defined(operation, a);
  return dispatch_floating(operation, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return reduce_axes(operation, a, axes, keep_dims,
                       [&](const Tensor& x, Index outer, Index n, Index inner, Tensor& y) {
                         const double scale = mean ? 1 / static_cast<double>(n) : 1;
                         kernels::reduce_sum(x.data<T>(), scale, y.data<T>(), outer, n, inner);
                       });
  });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return binary("add", a, b, kernels::add); }
Tensor subtract(const Tensor& a, const Tensor& b) { return binary("subtract", a, b, kernels::subtract); }
Tensor multiply(const Tensor& a, const Tensor& b) { return binary("multiply", a, b, kernels::multiply); }
Tensor divide(const Tensor& a, const Tensor& b) { return binary("divide", a, b, kernels::divide); }

Tensor affine(const Tensor& a, double scale, double shift) {
  require_defined("affine", a);
  Tensor y = Tensor::like(a);
  dispatch_floating("affine", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::affine(a.data<T>(), scale, shift, y.data<T>(), a.numel());
  });
  return y;
}

void add_scaled(Tensor& target, const Tensor& source, double scale) {
  require_same_dtype("add_scaled", target, source);
  check<ShapeError>(target.shape() == source.shape(), "[add_scaled] expected shape {}, found {}",
                    target.shape(), source.shape());
  dispatch_floating("add_scaled", target.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::add_scaled(source.data<T>(), scale, target.data<T>(), target.numel());
  });
}

Tensor sum(const Tensor& a, std::span<const int> axes, bool keep_dims) {
  return scaled_sum("sum", a, axes, keep_dims, false);
}

Tensor mean(const Tensor& a, std::span<const int> axes, bool keep_dims) {
  return scaled_sum("mean", a, axes, keep_dims, true);
}

Tensor max(const Tensor& a, std::span<const int> axes, bool keep_dims) {
  require_defined("max", a);
  return dispatch_floating("max", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return reduce_axes("max", a, axes, keep_dims,
                       [&](const Tensor& x, Index outer, Index n, Index inner, Tensor& y) {
                         check<ShapeError>(n > 0, "[max] no elements to reduce in {}", a.shape());
                         kernels::reduce_max(x.data<T>(), y.data<T>(), outer, n, inner);
                       });
  });
}

Tensor argmax(const Tensor& a) {
  require_defined("argmax", a);
  check<ShapeError>(a.rank() >= 1 && a.size(-1) > 0,
                    "[argmax] expected at least one element along the last axis of {}", a.shape());
  const int last[] = {-1};
  Tensor index = Tensor::empty(a.shape().reduced(last, false), DType::int32);
  dispatch_floating("argmax", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::argmax(a.data<T>(), index.data<std::int32_t>(), index.numel(), a.size(-1));
  });
  return index;
}

Tensor sum_to(const Tensor& a, const Shape& shape) {
  require_defined("sum_to", a);
  if (a.shape() == shape) return a;
  check<ShapeError>(broadcast_shapes("sum_to", a.shape(), shape) == a.shape(),
                    "[sum_to] {} does not broadcast to {}", shape, a.shape());
  std::vector<int> axes;
  for (int axis = 0; axis < a.rank(); ++axis) {
    const int own = axis - (a.rank() - shape.rank());
    if (own < 0 || (shape[own] == 1 && a.size(axis) != 1)) axes.push_back(axis);
  }
  // Only axes of extent 1 in front differ.
  if (axes.empty()) return a.reshape(shape);
  return scaled_sum("sum_to", a, axes, true, false).reshape(shape);
}

Tensor broadcast_to(const Tensor& a, const Shape& shape) {
  require_defined("broadcast_to", a);
  check<ShapeError>(broadcast_shapes("broadcast_to", a.shape(), shape) == shape,
                    "[broadcast_to] {} does not fit {}", a.shape(), shape);
  // -0 is the one number that adding leaves every number as it is: -0 + 0 would be 0.
  return binary("broadcast_to", a, Tensor::full(shape, -0.0, a.dtype()), kernels::add);
}

bool all_finite(const Tensor& a) {
  require_defined("all_finite", a);
  if (!is_floating(a.dtype())) return true;
  return dispatch_floating("all_finite", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return kernels::all_finite(a.data<T>(), a.numel()) != 0;
  });
}

}  // namespace keel
