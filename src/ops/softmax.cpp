#include "keel/ops/softmax.h"

#include "kernels/softmax.h"

namespace keel {
namespace {

template <class Forward, class Backward>
Variable over_last_axis(const char* operation, const Variable& x, const Forward& forward,
                        const Backward& backward) {
  check<ShapeError>(x.shape().rank() >= 1 && x.shape()[-1] > 0,
                    "[{}] expected at least one element along the last axis, found {}", operation, x.shape());
  const Index n = x.shape()[-1], rows = x.value().numel() / n;
  Tensor y = Tensor::like(x.value());
  dispatch_floating(operation, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    forward(x.value().data<T>(), y.data<T>(), rows, n);
  });
  return Variable::from_op(operation, y, {x}, [=](const Tensor& dy, Gradients& gradients) {
    if (!gradients.wants(0)) return;
    Tensor& dx = gradients.add_to(0);
    dispatch_floating(operation, dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      backward(y.data<T>(), dy.data<T>(), dx.data<T>(), rows, n);
    });
  });
}

}  // namespace

// dx += y (dy - sum dy y)
Variable softmax(const Variable& x) {
  return over_last_axis("softmax", x, kernels::softmax, kernels::softmax_gradient);
}

// dx += dy - e^y sum dy
Variable log_softmax(const Variable& x) {
  return over_last_axis("log_softmax", x, kernels::log_softmax, kernels::log_softmax_gradient);
}

}  // namespace keel
