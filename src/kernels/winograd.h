// 3x3 convolutions of stride 1 with 16 multiplications where 36 stand in the formula: Winograd's minimal
// filtering F(2x2, 3x3), as in Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks"
// (arXiv:1509.09308), section 4.1.
//
// The output is cut into tiles of 2x2 pixels, each with the patch of 4x4 pixels that it depends on. With
//
//   y = A^T [ (G w G^T) * (B^T x B) ] A        * element by element, summed over the input channels
//
//         | 1  0 -1  0 |        |  1    0    0  |
//   B^T = | 0  1  1  0 |    G = | 1/2  1/2  1/2 |    A^T = | 1  1  1  0 |
//         | 0 -1  1  0 |        | 1/2 -1/2  1/2 |          | 0  1 -1 -1 |
//         | 0  1  0 -1 |        |  0    0    1  |
//
// the sums over channels are 16 matrix products, one for each place in the 4x4 patch. The weight gradient is
// G^T [ (B^T x B) * (A dy A^T) ] G, summed over the tiles, and the input gradient a convolution of dy.
//
// An infinity or NaN in a patch may reach all four pixels of its tile, where the formula has it reach those
// within its window.
//
// Letters as in conv2d.h. Nothing is padded in memory: pixels outside the image are read from a row of zeros.
#pragma once

#include "kernels/conv2d.h"

namespace keel::kernels {

struct WinogradSizes {
  Index n, h, w, c, k;
  Index pad_h, pad_w;  // at most 2
  Index oh, ow;
};

// With fewer channels the way there and back takes longer than what is saved.
constexpr bool winograd_pays(Index c, Index k) { return c >= 16 && k >= 16; }

inline constexpr Index kWinogradPlaces = 16;
// Tiles that are transformed, multiplied and transformed back while they are in the cache.
inline constexpr Index kWinogradForwardTiles = 28;
inline constexpr Index kWinogradGradientTiles = 56;

// Work space of one thread.
template <class T>
constexpr Index winograd_scratch(Index tiles, Index c, Index k) {
  return kWinogradPlaces * tiles * (c + padded_channels<T>(k)) + (c > k ? c : k);
}

// packed = G w G^T, in the order in which winograd_forward reads it.
//   writes packed, 16 * C * padded_channels(K) elements
//   weight   [3, 3, C, K]
// flipped: for the input gradient, with taps in reverse and input and output channels exchanged:
//   packed   16 * K * padded_channels(C) elements
template <class T>
using WinogradWeightsKernel = void(const T* weight, T* packed, Index c, Index k, bool flipped);
KEEL_KERNEL(winograd_weights, WinogradWeightsKernel);

// y [N, OH, OW, K] = x [N, H, W, C] * weights + bias (null: 0), negative elements set to 0 if relu.
//   writes y, scratch
//   threads   at most so many work
//   scratch   threads * winograd_scratch(kWinogradForwardTiles, C, K) elements
template <class T>
using WinogradForwardKernel = void(const T* x, const T* packed, const T* bias, T* y, T* scratch, int threads,
                                   const WinogradSizes& sizes, bool relu);
KEEL_KERNEL(winograd_forward, WinogradForwardKernel);

// The sums over tiles are taken in this many parts, each over some of the images.
constexpr Index winograd_parts(Index n) {
  const Index most = 8, images = (n + most - 1) / most;
  return images == 0 ? 0 : (n + images - 1) / images;
}
// With very many channels the parts take more memory than they are worth: 8 of them, of 16 C K elements each.
constexpr bool winograd_gradient_pays(Index c, Index k) { return c * k <= 256 * 256; }

// dweight [3, 3, C, K] += sum over pixels of x and dy.   adds to dweight, writes parts, scratch
//   parts     winograd_parts(N) * 16 * C * padded_channels(K) elements
//   threads   at most so many sum
//   scratch   threads * winograd_scratch(kWinogradGradientTiles, C, K) elements
template <class T>
using WinogradWeightGradKernel = void(const T* x, const T* dy, T* parts, T* scratch, int threads, T* dweight,
                                      const WinogradSizes& sizes);
KEEL_KERNEL(winograd_weight_grad, WinogradWeightGradKernel);

}  // namespace keel::kernels
