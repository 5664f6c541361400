// Dropout, its mask drawn anew from the stream wherever it is needed, never stored.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

struct DropoutMask {
  std::uint64_t seed = 0;  // of the stream
  std::uint64_t stream = 0;
  double rate = 0;  // the probability of 0, in [0, 1)
};

// y = x / (1 - rate) where kept, else 0; dx of dy by the same.  writes y
template <class T>
using DropoutKernel = void(const T* x, T* y, Index n, const DropoutMask* mask);
KEEL_KERNEL(dropout, DropoutKernel);

}  // namespace keel::kernels
