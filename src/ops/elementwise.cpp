#include "keel/ops/elementwise.h"

#include <cmath>

#include "kernels/activation.h"
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

// y = f(x; a, b), dx += dy f'(x; a, b) by two kernels.
Variable activation(const char* operation, const Variable& x,
                    const kernels::Kernel<kernels::ActivationKernel>& value,
                    const kernels::Kernel<kernels::ActivationGradientKernel>& gradient, double a = 0,
                    double b = 0) {
  check<ValueError>(std::isfinite(a) && std::isfinite(b), "[{}] expected finite constants, found {} and {}",
                    operation, a, b);
  const Tensor y =
      apply(operation, x.value(), [&](auto* in, auto* out, Index n) { value(in, out, n, a, b); });
  return Variable::from_op(operation, y, {x},
                           gradient_of(x.value(), [&gradient, a, b](auto* in, auto* dy, auto* dx, Index n) {
                             gradient(in, dy, dx, n, a, b);
                           }));
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

Variable leaky_relu(const Variable& x, double negative_slope) {
  return activation("leaky_relu", x, kernels::leaky_relu, kernels::leaky_relu_gradient, negative_slope);
}

Variable elu(const Variable& x, double alpha) {
  return activation("elu", x, kernels::elu, kernels::elu_gradient, alpha, 1);
}

Variable selu(const Variable& x) {
  constexpr double kAlpha = 1.6732632423543772848170429916717, kScale = 1.0507009873554804934193349852946;
  return activation("selu", x, kernels::elu, kernels::elu_gradient, kAlpha, kScale);
}

Variable gelu(const Variable& x, GeluApproximation approximation) {
  return approximation == GeluApproximation::tanh
             ? activation("gelu", x, kernels::gelu_tanh, kernels::gelu_tanh_gradient)
             : activation("gelu", x, kernels::gelu, kernels::gelu_gradient);
}

Variable silu(const Variable& x) { return activation("silu", x, kernels::silu, kernels::silu_gradient); }

Variable softplus(const Variable& x, double beta, double threshold) {
  check<ValueError>(beta != 0, "[softplus] expected beta other than 0, found {}", beta);
  return activation("softplus", x, kernels::softplus, kernels::softplus_gradient, beta, threshold);
}

Variable hard_sigmoid(const Variable& x) {
  return activation("hard_sigmoid", x, kernels::hard_sigmoid, kernels::hard_sigmoid_gradient);
}

}  // namespace keel
