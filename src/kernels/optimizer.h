// One step of an optimiser on one parameter, element by element.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

struct AdamStep {
  double beta1, beta2, epsilon;
  double l2;            // this times p is added to the gradient
  double shrink;        // multiplies p first: 1, or 1 - learning rate * decoupled decay
  double step_size;     // learning rate / (1 - beta1^t)
  double v_correction;  // 1 / sqrt(1 - beta2^t)
};

// p = shrink * p;  g' = g + l2 * p;  m = beta1 * m + (1 - beta1) * g';  v = beta2 * v + (1 - beta2) * g'^2;
// p = p - step_size * m / (sqrt(v) * v_correction + epsilon).  changes p, m, v;  no two arrays overlap
template <class T>
using AdamUpdateKernel = void(const AdamStep& step, T* p, T* m, T* v, const T* g, Index n);
KEEL_KERNEL(adam_update, AdamUpdateKernel);

struct SgdStep {
  double learning_rate, momentum;
  double l2;  // this times p is added to the gradient
  bool nesterov;
};

// g' = g + l2 * p;  u = momentum * u + g';  p = p - learning_rate * (nesterov ? g' + momentum * u : u).
// changes p and u;  no two arrays overlap.  Without momentum u may be null.
template <class T>
using SgdUpdateKernel = void(const SgdStep& step, T* p, T* u, const T* g, Index n);
KEEL_KERNEL(sgd_update, SgdUpdateKernel);

}  // namespace keel::kernels
