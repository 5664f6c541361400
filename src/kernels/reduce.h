// Reductions of the middle axis of [outer, n, inner], and along rows.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y[o, i] = scale * sum over k of x[o, k, i], summed in double.  writes y
template <class T>
using ReduceSumKernel = void(const T* x, double scale, T* y, Index outer, Index n, Index inner);
KEEL_KERNEL(reduce_sum, ReduceSumKernel);

// y[o, i] = max over k of x[o, k, i]; NaN if any is.  n >= 1.  writes y
template <class T>
using ReduceMaxKernel = void(const T* x, T* y, Index outer, Index n, Index inner);
KEEL_KERNEL(reduce_max, ReduceMaxKernel);

// index[r] = position of the largest of x[r, :], the first of equals; NaN counts as largest.  n >= 1.
//   writes index
template <class T>
using ArgmaxKernel = void(const T* x, std::int32_t* index, Index rows, Index n);
KEEL_KERNEL(argmax, ArgmaxKernel);

}  // namespace keel::kernels
