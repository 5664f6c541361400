#include "keel/ops/elementwise.h"

#include "kernels/elementwise.h"

namespace keel {
namespace {

// y = f(x) by a kernel.
template <class Kernel>
Tensor apply(const char* operation, const Tensor& x, const Kernel& kernel) {
  Tensor y = Tensor::like(x);
  dispatch_floating(operation, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernel(x.data<T>(), y.data<T>(), x.numel());
  });
  return y;
}

// dx += g(saved, dy) by a kernel; `saved` is whatever the kernel wants of the forward pass.
template <class Kernel>
GradientFunction gradient_of(const Tensor& saved, const Kernel& kernel) {
  return [saved, kernel](const Tensor& dy, Gradients& gradients) {
    if (!gradients.wants(0)) return;
    Tensor dx = Tensor::like(dy);
    dispatch_floating("backward", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernel(saved.data<T>(), dy.data<T>(), dx.data<T>(), dy.numel());
    });
    gradients.add(0, std::move(dx));
  };
}

// dx += scale dy * or / saved by a kernel.
template <class Kernel>
GradientFunction scaled_gradient_of(const Tensor& saved, double scale, const Kernel& kernel) {
  return [saved, scale, kernel](const Tensor& dy, Gradients& gradients) {
    if (!gradients.wants(0)) return;
    Tensor& dx = gradients.add_to(0);
    dispatch_floating("backward", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernel(dy.data<T>(), saved.data<T>(), scale, dx.data<T>(), dy.numel());
    });
  };
}

}  // namespace

// dx += dy y
Variable exp(const Variable& x) {
  const Tensor y = apply("exp", x.value(), kernels::exp);
  return Variable::from_op("exp", y, {x}, scaled_gradient_of(y, 1, kernels::multiply_add));
}

// dx += dy / x
Variable log(const Variable& x) {
  const Tensor y = apply("log", x.value(), kernels::log);
  return Variable::from_op("log", y, {x}, scaled_gradient_of(x.value(), 1, kernels::divide_add));
}

// dx += dy / (2 y)
Variable sqrt(const Variable& x) {
  const Tensor y = apply("sqrt", x.value(), kernels::sqrt);
  return Variable::from_op("sqrt", y, {x}, scaled_gradient_of(y, 0.5, kernels::divide_add));
}

// dx += dy (1 - y^2)
Variable tanh(const Variable& x) {
  const Tensor y = apply("tanh", x.value(), kernels::tanh);
  return Variable::from_op("tanh", y, {x}, gradient_of(y, kernels::tanh_gradient));
}

// dx += dy y (1 - y)
Variable sigmoid(const Variable& x) {
  const Tensor y = apply("sigmoid", x.value(), kernels::sigmoid);
  return Variable::from_op("sigmoid", y, {x}, gradient_of(y, kernels::sigmoid_gradient));
}

// dx += dy [y > 0]
Variable relu(const Variable& x) {
  const Tensor y = apply("relu", x.value(), kernels::relu);
  return Variable::from_op("relu", y, {x}, gradient_of(y, kernels::relu_gradient));
}

// dx += dy exponent x^(exponent - 1)
Variable pow(const Variable& x, double exponent) {
  Tensor y = Tensor::like(x.value());
  dispatch_floating("pow", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::pow(x.value().data<T>(), exponent, y.data<T>(), y.numel());
  });
  return Variable::from_op("pow", y, {x}, [vx = x.value(), exponent](const Tensor& dy, Gradients& gradients) {
    if (!gradients.wants(0)) return;
    Tensor dx = Tensor::like(dy);
    dispatch_floating("pow", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernels::pow_gradient(vx.data<T>(), dy.data<T>(), exponent, dx.data<T>(), dy.numel());
    });
    gradients.add(0, std::move(dx));
  });
}

}  // namespace keel
