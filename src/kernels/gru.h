// One timestep of a GRU, element by element. Rows hold three blocks of `units`: reset r, update u, candidate
// n.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// r = sigmoid(a_r + b_r), u = sigmoid(a_u + b_u), n = tanh(a_n + r b_n), next = (1 - u) n + u h.
//   a      [rows, 3 units], its rows a_stride apart
//   b      [rows, 3 units]
// writes next, and gates [rows, 3 units]: r, u, n
template <class T>
using GruCellKernel = void(const T* a, Index a_stride, const T* b, const T* h, T* gates, T* next, Index rows,
                           Index units);
KEEL_KERNEL(gru_cell, GruCellKernel);

// The gradients of a, b and h, given the gates that gru_cell wrote.  writes da and db [rows, 3 units];  adds
// to dh, unless null
template <class T>
using GruCellGradientKernel = void(const T* gates, const T* b, const T* h, const T* dnext, T* da, T* db,
                                   T* dh, Index rows, Index units);
KEEL_KERNEL(gru_cell_gradient, GruCellGradientKernel);

}  // namespace keel::kernels
