// Loops that only keep the machine busy, on one thread, compiled for each level like the library's kernels.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// `steps` rounds of independent multiply-adds in registers, starting from *value. Returns the number of
// operations, a multiplication and an addition being two.   writes value: a number that depends on all of
// them
template <class T>
using PeakFmaKernel = double(T* value, Index steps);
KEEL_KERNEL(peak_fma, PeakFmaKernel);

// y = x.   writes y
template <class T>
using PeakCopyKernel = void(const T* x, T* y, Index n);
KEEL_KERNEL(peak_copy, PeakCopyKernel);

}  // namespace keel::kernels
