// Softmax, row by row, and cross-entropy on logits.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y = softmax of each row of x [rows, n].  writes y
template <class T>
using SoftmaxKernel = void(const T* x, T* y, Index rows, Index n);
KEEL_KERNEL(softmax, SoftmaxKernel);

// y = x - log sum exp x of each row.  writes y
KEEL_KERNEL(log_softmax, SoftmaxKernel);

// dx += y (dy - sum dy y).  adds
template <class T>
using SoftmaxGradientKernel = void(const T* y, const T* dy, T* dx, Index rows, Index n);
KEEL_KERNEL(softmax_gradient, SoftmaxGradientKernel);

// dx += dy - exp(y) sum dy.  adds
KEEL_KERNEL(log_softmax_gradient, SoftmaxGradientKernel);

// probability = softmax of each row; returns the sum over rows of -log probability[row, label].
//   writes probability
//   labels in [0, n): checked by the caller
template <class T>
using CrossEntropyKernel = double(const T* logits, const std::int32_t* labels, T* probability, Index rows,
                                  Index n);
KEEL_KERNEL(cross_entropy, CrossEntropyKernel);

// dlogits = scale (probability - onehot(labels)).  writes dlogits
template <class T>
using CrossEntropyGradientKernel = void(const T* probability, const std::int32_t* labels, double scale,
                                        T* dlogits, Index rows, Index n);
KEEL_KERNEL(cross_entropy_gradient, CrossEntropyGradientKernel);

}  // namespace keel::kernels
