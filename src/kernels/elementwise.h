// Arithmetic, element by element.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// A loop nest over an output of up to 8 axes, contiguous, and two inputs whose strides (in elements) are 0
// along the axes they are stretched along.
struct BroadcastPlan {
  int rank = 0;
  Index extents[8] = {};
  Index a_strides[8] = {};
  Index b_strides[8] = {};
};

// y = a op b.  writes y
template <class T>
using BinaryKernel = void(const T* a, const T* b, T* y, const BroadcastPlan* plan);
KEEL_KERNEL(add, BinaryKernel);
KEEL_KERNEL(subtract, BinaryKernel);
KEEL_KERNEL(multiply, BinaryKernel);
KEEL_KERNEL(divide, BinaryKernel);

// y = [a == b], 1 or 0; infinities of one sign are equal, NaN is not.  writes y
template <class T>
using EqualKernel = void(const T* a, const T* b, T* y, Index n);
KEEL_KERNEL(equal, EqualKernel);

// y[r, c] += b[c].  adds
template <class T>
using AddRowKernel = void(const T* b, T* y, Index rows, Index columns);
KEEL_KERNEL(add_row, AddRowKernel);

// y = scale x + shift.  writes y, which may be x
template <class T>
using AffineKernel = void(const T* x, double scale, double shift, T* y, Index n);
KEEL_KERNEL(affine, AffineKernel);

// y += scale x.  adds
template <class T>
using AddScaledKernel = void(const T* x, double scale, T* y, Index n);
KEEL_KERNEL(add_scaled, AddScaledKernel);

// y += scale a b.  adds
template <class T>
using MultiplyAddKernel = void(const T* a, const T* b, double scale, T* y, Index n);
KEEL_KERNEL(multiply_add, MultiplyAddKernel);

// y += scale a / b.  adds
KEEL_KERNEL(divide_add, MultiplyAddKernel);

// y = f(x).  writes y
template <class T>
using UnaryKernel = void(const T* x, T* y, Index n);
KEEL_KERNEL(exp, UnaryKernel);
KEEL_KERNEL(log, UnaryKernel);
KEEL_KERNEL(sqrt, UnaryKernel);
KEEL_KERNEL(tanh, UnaryKernel);
KEEL_KERNEL(sigmoid, UnaryKernel);  // 1 / (1 + exp(-x)), without overflow
KEEL_KERNEL(relu, UnaryKernel);     // max(x, 0); NaN stays NaN

// y = x^exponent.  writes y
template <class T>
using PowKernel = void(const T* x, double exponent, T* y, Index n);
KEEL_KERNEL(pow, PowKernel);

// dx = dy f'(x), given the output y or the input x.  writes dx
template <class T>
using UnaryGradientKernel = void(const T* y, const T* dy, T* dx, Index n);
KEEL_KERNEL(tanh_gradient, UnaryGradientKernel);     // dy (1 - y^2)
KEEL_KERNEL(sigmoid_gradient, UnaryGradientKernel);  // dy y (1 - y)
KEEL_KERNEL(relu_gradient, UnaryGradientKernel);     // dy [y > 0]

// dx = dy exponent x^(exponent - 1).  writes dx
template <class T>
using PowGradientKernel = void(const T* x, const T* dy, double exponent, T* dx, Index n);
KEEL_KERNEL(pow_gradient, PowGradientKernel);

// 1 if every element is finite, else 0.
template <class T>
using AllFiniteKernel = int(const T* x, Index n);
KEEL_KERNEL(all_finite, AllFiniteKernel);

}  // namespace keel::kernels
