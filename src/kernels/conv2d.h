// 2d convolution (cross-correlation), channels last, in pieces that the operation and its gradients share.
//
//   forward          pad x, pack the weights, convolve
//   input gradient   spread dy by the stride, pack the weights flipped, convolve with stride 1
//   weight gradient  of the padded x and dy
//
// Letters: N images, H x W pixels, C input and K output channels, KH x KW taps, OH x OW output pixels,
// G groups.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// A convolution without padding: whoever wants some pads the input first.
struct Conv2dSizes {
  Index n, h, w, c;
  Index kh, kw, k, groups;
  Index stride_h, stride_w;
  Index dilation_h, dilation_w;
  Index oh, ow;
};

struct Conv2dWeightSizes {
  Index taps;  // KH * KW
  Index c, k, groups;
};

// Channels of one group in a packed buffer: rounded up to the widest vectors of any instruction set level.
template <class T>
constexpr Index padded_channels(Index channels) {
  const Index lanes = 64 / static_cast<Index>(sizeof(T));
  return (channels + lanes - 1) / lanes * lanes;
}

// Images put into larger (or smaller) ones: pixel (i, j) goes to (top + i * step_h, left + j * step_w) if
// that exists.
struct Pad2dSizes {
  Index n, c;
  Index h, w;
  Index out_h, out_w;
  Index top, left;
  Index step_h, step_w;
};

// y [N, out_h, out_w, C] = x [N, H, W, C] at its new places, zeros elsewhere.   writes y
template <class T>
using Pad2dKernel = void(const T* x, T* y, const Pad2dSizes& sizes);
KEEL_KERNEL(pad2d, Pad2dKernel);

// The order in which conv2d_forward reads the weights: by group, by panel of a few vectors of output
// channels; in a panel a row of biases, then one for each tap and input channel. Zeros fill up a last vector.
//   weight   [KH * KW = taps, C / G, K]
//   bias     [K], or null for zeros
//   packed   G * (taps * (C / G) + 1) * padded_channels(K / G) elements
// flipped: for the input gradient, with taps backwards and input and output channels exchanged:
//   packed   G * (taps * (K / G) + 1) * padded_channels(C / G) elements
//   bias     [C], or null for zeros
// writes packed
template <class T>
using Conv2dPackKernel = void(const T* weight, const T* bias, T* packed, const Conv2dWeightSizes& sizes,
                              bool flipped);
KEEL_KERNEL(conv2d_pack, Conv2dPackKernel);

// y [N, OH, OW, K] = x [N, H, W, C] * packed weights + bias, negative elements set to 0 if relu.   writes y
template <class T>
using Conv2dForwardKernel = void(const T* x, const T* packed, T* y, const Conv2dSizes& sizes, bool relu);
KEEL_KERNEL(conv2d_forward, Conv2dForwardKernel);

// The weight gradient is summed in this many parts, each over some of the images: enough for many threads,
// without taking much memory where the weights are large.
//   elements   of one part: KH * KW * C * padded_channels(K / G)
constexpr Index conv2d_weight_grad_parts(Index n, Index elements) {
  const Index most_parts = 16, most_elements = Index{1} << 21;
  Index parts = elements > 0 ? most_elements / elements : 1;
  parts = parts < 1 ? 1 : parts > most_parts ? most_parts : parts;
  const Index images = (n + parts - 1) / parts;
  return images == 0 ? 0 : (n + images - 1) / images;
}

// dweight [KH, KW, C / G, K] += sum over pixels of x and dy.
//   parts   work space, conv2d_weight_grad_parts(N) * KH * KW * C * padded_channels(K / G) elements
// adds to dweight, writes parts
template <class T>
using Conv2dWeightGradKernel = void(const T* x, const T* dy, T* parts, T* dweight, const Conv2dSizes& sizes);
KEEL_KERNEL(conv2d_weight_grad, Conv2dWeightGradKernel);

}  // namespace keel::kernels
