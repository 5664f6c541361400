// Pooling, channels last.
//
// Letters: N images, H x W pixels, C channels, KH x KW the window, OH x OW output pixels.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// Every window must hold at least one pixel of the image.
struct Pool2dSizes {
  Index n, h, w, c;
  Index kh, kw;
  Index stride_h, stride_w;
  Index pad_h, pad_w;
  Index oh, ow;
};

// y [N, OH, OW, C] = the largest of each window, or NaN if it holds one.
// argmax, of y's shape: where it was, as the pixel h * W + w of the image; the first of equals.
// writes y and argmax
template <class T>
using MaxPool2dKernel = void(const T* x, T* y, std::int32_t* argmax, const Pool2dSizes& sizes);
KEEL_KERNEL(max_pool2d, MaxPool2dKernel);

// dx = dy at each argmax, summed where windows overlap, and 0 elsewhere.   writes dx
template <class T>
using MaxPool2dGradKernel = void(const T* dy, const std::int32_t* argmax, T* dx, const Pool2dSizes& sizes);
KEEL_KERNEL(max_pool2d_grad, MaxPool2dGradKernel);

// y [N, OH, OW, C] = the sum of each window / its divisor: KH * KW, or the number of its pixels inside
// the image.   writes y
template <class T>
using AvgPool2dKernel = void(const T* x, T* y, const Pool2dSizes& sizes, bool count_padding);
KEEL_KERNEL(avg_pool2d, AvgPool2dKernel);

// dx += dy / divisor, for each pixel of each window.   adds to dx
template <class T>
using AvgPool2dGradKernel = void(const T* dy, T* dx, const Pool2dSizes& sizes, bool count_padding);
KEEL_KERNEL(avg_pool2d_grad, AvgPool2dGradKernel);

}  // namespace keel::kernels
