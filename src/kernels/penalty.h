// The size of a vector, as a penalty.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

inline constexpr Index kPenaltyChunk = 1 << 14;

// Doubles that `partial` of the kernel below must have room for.
inline Index penalty_partials(Index n) { return (n + kPenaltyChunk - 1) / kPenaltyChunk; }

// l1 sum |x| + l2 sum x^2, summed in double.  writes partial
template <class T>
using PenaltyKernel = double(const T* x, double l1, double l2, double* partial, Index n);
KEEL_KERNEL(penalty, PenaltyKernel);

// dx += a sign(x) + b x, sign(0) = 0.  adds
template <class T>
using PenaltyGradientKernel = void(const T* x, double a, double b, T* dx, Index n);
KEEL_KERNEL(penalty_gradient, PenaltyGradientKernel);

}  // namespace keel::kernels
