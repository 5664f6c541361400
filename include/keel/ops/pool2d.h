// Pooling of images: one number for each window and channel.
//
// A window is kernel.h x kernel.w pixels; windows start at multiples of the stride, the first one `padding`
// pixels above and left of the image. What is left at the bottom and the right when no whole window fits is
// ignored.
//
//   shapes:   x [N, H, W, C], y [N, OH, OW, C], OH = floor((H + 2 padding.h - kernel.h) / stride.h) + 1,
//             OW in the same way
//   throws:   ShapeError if x has another rank or no pixels, or a window is larger than the padded image;
//             ValueError if the kernel is below 1, the stride below 0, or the padding below 0 or above half
//             the kernel (a window of nothing but padding has no maximum); either
//             if an extent, kernel or stride is above 2^31 - 1; DTypeError unless the elements are float32
//             or float64
#pragma once

#include "keel/autograd/variable.h"
#include "keel/ops/pair.h"

namespace keel {

struct MaxPool2dOptions {
  Pair kernel = 2;
  Pair stride = 0;  // 0: the kernel's, so that windows lie side by side
  Pair padding = 0;
};

// The largest element of each window. Padding behaves as -infinity; a NaN in the window is its maximum.
//   gradient: x, where the maximum was: the first of equals, in row-major order
Variable max_pool2d(const Variable& x, const MaxPool2dOptions& options = {});

struct AvgPool2dOptions {
  Pair kernel = 2;
  Pair stride = 0;  // 0: the kernel's
  Pair padding = 0;
  // Divide by the number of pixels of the kernel, as PyTorch does by default, so that padding counts as
  // zeros; or else by the number of the image's pixels in the window.
  bool count_include_pad = true;
};

// The mean of each window.
//   gradient: x, dy / divisor for each window that a pixel lies in
Variable avg_pool2d(const Variable& x, const AvgPool2dOptions& options = {});

// The mean of each channel over the whole image (Lin et al., "Network in network", section 3.2).
//   shapes:   x [N, H, W, C], y [N, C]
//   gradient: x, dy / (H * W)
//   throws:   ShapeError if x has another rank or no pixels; DTypeError unless the elements are float32
//             or float64
Variable global_avg_pool2d(const Variable& x);

}  // namespace keel
