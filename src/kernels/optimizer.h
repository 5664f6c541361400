// One step of an optimiser on all parameters, element by element, in one parallel loop.
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

// One parameter, and what belongs to it.
template <class T>
struct AdamSegment {
  AdamStep step;
  T* p;
  T* m;
  T* v;
  const T* g;
  Index n;
};

// p = shrink * p;  g' = g + l2 * p;  m = beta1 * m + (1 - beta1) * g';  v = beta2 * v + (1 - beta2) * g'^2;
// p = p - step_size * m / (sqrt(v) * v_correction + epsilon).  changes p, m, v;  no two arrays overlap
//
// Numbers below the smallest normal one (1.2e-38 in float) become 0 in m and v: the moments of a unit that
// has died would otherwise end there for good, where an operation takes processors several times as long. No
// parameter can tell. Over all steps together m moves by less than 1.2e-38 / (1 - beta1), so that a step
// moves p by less than step_size / epsilon times that, with the usual options 1.2e-29 of the learning rate,
// which rounding swallows unless p itself is below 1e-21 of the rate. v moves by less than 1.2e-38 / (1 -
// beta2), sqrt(v) by less than 4e-18, which vanishes beside epsilon.
template <class T>
using AdamUpdateKernel = void(const AdamSegment<T>* segments, Index count);
KEEL_KERNEL(adam_update, AdamUpdateKernel);

struct SgdStep {
  double learning_rate, momentum;
  double l2;  // this times p is added to the gradient
  bool nesterov;
};

template <class T>
struct SgdSegment {
  SgdStep step;
  T* p;
  T* u;  // null without momentum
  const T* g;
  Index n;
};

// g' = g + l2 * p;  u = momentum * u + g';  p = p - learning_rate * (nesterov ? g' + momentum * u : u).
// changes p and u;  no two arrays overlap.  Numbers below the smallest normal one become 0 in u, as in Adam's
// moments: u changes by less than 1.2e-38 / (1 - momentum).
template <class T>
using SgdUpdateKernel = void(const SgdSegment<T>* segments, Index count);
KEEL_KERNEL(sgd_update, SgdUpdateKernel);

struct RmsPropStep {
  double learning_rate, alpha, epsilon, momentum;
  double l2;  // this times p is added to the gradient
};

template <class T>
struct RmsPropSegment {
  RmsPropStep step;
  T* p;
  T* v;
  T* u;  // null without momentum
  const T* g;
  Index n;
};

// g' = g + l2 * p;  v = alpha * v + (1 - alpha) * g'^2;  u = momentum * u + g' / (sqrt(v) + epsilon);
// p = p - learning_rate * u.  changes p, v and u;  no two arrays overlap.  Numbers below the smallest normal
// one become 0 in v and u, as in Adam's moments.
template <class T>
using RmsPropUpdateKernel = void(const RmsPropSegment<T>* segments, Index count);
KEEL_KERNEL(rmsprop_update, RmsPropUpdateKernel);

}  // namespace keel::kernels
