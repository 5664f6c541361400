// Rows that are added to others.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y[rows[i], c] += x[i, c] for i in [0, n), in this order, unless rows[i] == skip.  adds
//   rows in [0, rows of y): checked by the caller; skip: -1 for none
template <class T>
using ScatterRowsKernel = void(const T* x, const std::int32_t* rows, std::int32_t skip, T* y, Index n,
                               Index columns);
KEEL_KERNEL(scatter_rows, ScatterRowsKernel);

}  // namespace keel::kernels
