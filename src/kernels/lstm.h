// One timestep of an LSTM, element by element. Rows of z hold the pre-activations of four gates of `units`
// each: input i, forget f, candidate g, output o.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// next = sigmoid(f) c + sigmoid(i) tanh(g).  writes next, and gates [rows, 3 units]: those three functions
template <class T>
using LstmCellKernel = void(const T* z, const T* c, T* gates, T* next, Index rows, Index units);
KEEL_KERNEL(lstm_cell, LstmCellKernel);

// Given the gates that lstm_cell wrote.  adds to dz, to the first 3 units of each row, and to dc, unless null
template <class T>
using LstmCellGradientKernel = void(const T* gates, const T* c, const T* dnext, T* dz, T* dc, Index rows,
                                    Index units);
KEEL_KERNEL(lstm_cell_gradient, LstmCellGradientKernel);

// h = sigmoid(o) tanh(c).  writes h, output = sigmoid(o) and tanh_c = tanh(c)
template <class T>
using LstmHiddenKernel = void(const T* z, const T* c, T* output, T* tanh_c, T* h, Index rows, Index units);
KEEL_KERNEL(lstm_hidden, LstmHiddenKernel);

// Given what lstm_hidden wrote.  adds to dz, to the last units of each row, and to dc, unless null
template <class T>
using LstmHiddenGradientKernel = void(const T* output, const T* tanh_c, const T* dh, T* dz, T* dc, Index rows,
                                      Index units);
KEEL_KERNEL(lstm_hidden_gradient, LstmHiddenGradientKernel);

}  // namespace keel::kernels
