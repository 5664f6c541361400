#include "keel/ops/reduction.h"

#include <algorithm>

#include "keel/core/tensor_ops.h"
#include "kernels/elementwise.h"

namespace keel {
namespace {

// The shape of the result with the reduced axes kept, which broadcasts against the input's.
Shape kept_shape(const Shape& shape, const std::vector<int>& axes) {
  std::vector<int> all;
  for (int axis = 0; axis < shape.rank(); ++axis) all.push_back(axis);
  return shape.reduced(axes.empty() ? all : axes, true);
}

Variable scaled_sum(const char* operation, const Variable& x, const ReductionOptions& options, double scale,
                    const Tensor& y) {
  return Variable::from_op(operation, y, {x},
                           [shape = x.shape(), kept = kept_shape(x.shape(), options.axes), scale](
                               const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0))
                               gradients.add(0, broadcast_to(affine(dy, scale, 0).reshape(kept), shape));
                           });
}

}  // namespace

// dx += dy, stretched
Variable sum(const Variable& x, const ReductionOptions& options) {
  return scaled_sum("sum", x, options, 1, sum(x.value(), options.axes, options.keep_dims));
}

// dx += dy / n, stretched
Variable mean(const Variable& x, const ReductionOptions& options) {
  const Tensor y = mean(x.value(), options.axes, options.keep_dims);
  const double n =
      static_cast<double>(x.value().numel()) / static_cast<double>(std::max<Index>(y.numel(), 1));
  return scaled_sum("mean", x, options, 1 / n, y);
}

// dx += dy [x = y] / (number of maxima)
Variable max(const Variable& x, const ReductionOptions& options) {
  const Tensor y = max(x.value(), options.axes, options.keep_dims);
  return Variable::from_op(
      "max", y, {x},
      [vx = x.value(), y, axes = options.axes, kept = kept_shape(x.shape(), options.axes)](
          const Tensor& dy, Gradients& gradients) {
        if (!gradients.wants(0)) return;
        const Tensor maxima = broadcast_to(y.reshape(kept), vx.shape());
        Tensor is_max = Tensor::like(vx);
        dispatch_floating("max", vx.dtype(), [&](auto zero) {
          using T = decltype(zero);
          kernels::equal(vx.data<T>(), maxima.data<T>(), is_max.data<T>(), vx.numel());
        });
        const Tensor share = divide(dy.reshape(kept), sum(is_max, axes, true).reshape(kept));
        gradients.add(0, multiply(is_max, share));
      });
}

}  // namespace keel
