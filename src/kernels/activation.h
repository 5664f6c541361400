// Activation functions of one or two constants a, b. Infinities give the function's limits; NaN stays NaN.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y = f(x; a, b).  writes y
template <class T>
using ActivationKernel = void(const T* x, T* y, Index n, double a, double b);
// dx = dy f'(x; a, b).  writes dx
template <class T>
using ActivationGradientKernel = void(const T* x, const T* dy, T* dx, Index n, double a, double b);

#define KEEL_ACTIVATION(name)          \
  KEEL_KERNEL(name, ActivationKernel); \
  KEEL_KERNEL(name##_gradient, ActivationGradientKernel)

KEEL_ACTIVATION(leaky_relu);    // x if x > 0, else a x
KEEL_ACTIVATION(elu);           // b x if x > 0, else b a (e^x - 1)
KEEL_ACTIVATION(gelu);          // x Phi(x), Phi the distribution function of the standard normal
KEEL_ACTIVATION(gelu_tanh);     // x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2
KEEL_ACTIVATION(silu);          // x / (1 + e^-x)
KEEL_ACTIVATION(softplus);      // ln(1 + e^(a x)) / a; x where a x > b
KEEL_ACTIVATION(hard_sigmoid);  // min(max(x + 3, 0), 6) / 6

#undef KEEL_ACTIVATION

}  // namespace keel::kernels
