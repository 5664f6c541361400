// Two-dimensional convolution of images.
#pragma once

#include "keel/autograd/variable.h"
#include "keel/ops/activation.h"
#include "keel/ops/pair.h"

namespace keel {

// How the sums are computed.
//
//   direct    as the formula has it
//   fastest   3x3 kernels of stride 1 and dilation 1, from 16 input and 16 output channels on, in one group
//             and with a padding of at most 2, by Winograd's minimal filtering (arXiv:1509.09308), in float64
//             too; all others directly. Its rounding errors are some 2 to 4 times those of direct sums, and
//             an infinity or NaN may spread to the neighbours of the pixels that it belongs to.
enum class Conv2dAlgorithm { fastest, direct };

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;   // rows of zeros above and below, columns of zeros left and right
  Pair dilation = 1;  // distance of neighbouring taps, in pixels
  Index groups = 1;   // parts of the output channels; each sees its own share of the input channels
  Activation activation = Activation::none;  // applied to y
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::fastest;
};

// Cross-correlation (the kernel is not flipped), as everywhere in deep learning:
//
//   y[n, i, j, k] = bias[k] + sum over a, b, c of
//                   x[n, row(i, a), column(j, b), first(k) + c] * weight[a, b, c, k]
//
//   row(i, a)    = i * stride.h + a * dilation.h - padding.h; x is 0 outside the image
//   column(j, b) = j * stride.w + b * dilation.w - padding.w
//   first(k)     = floor(k / (K / groups)) * (C / groups), the first input channel of k's group
//
//   shapes:   x [N, H, W, C], weight [KH, KW, C / groups, K], bias [K] or an undefined Variable: no bias
//             y [N, OH, OW, K], OH = floor((H + 2 padding.h - dilation.h (KH - 1) - 1) / stride.h) + 1,
//             OW in the same way
//   gradient: x, weight and bias; behind a relu, of dy where y > 0
//   throws:   ShapeError if ranks or channels do not fit, C or K is no multiple of groups, or the dilated
//             kernel is larger than the padded image; DTypeError if elements are not all float32 or all
//             float64; ValueError if a stride, a dilation or groups is below 1, or a padding below 0;
//             ValueError or ShapeError if one of them, or an extent of image or kernel, is above 2^31 - 1
Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias = {},
                const Conv2dOptions& options = {});

// The padding that keeps the size of the image at stride 1: dilation * (kernel - 1) / 2.
//   throws: ValueError if that is not a whole number (an even kernel would need unequal sides), or if what is
//           given is above 2^31 - 1
Pair same_padding(Pair kernel, Pair dilation = 1);

}  // namespace keel
