// Batches of images: from bytes to inputs.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y[i, p] = images[rows[i], p] / 255, the number nearest to the quotient.  writes y [n, pixels]
template <class T>
using GatherPixelsKernel = void(const std::uint8_t* images, const std::int32_t* rows, T* y, Index n,
                                Index pixels);
KEEL_KERNEL(gather_pixels, GatherPixelsKernel);

}  // namespace keel::kernels
