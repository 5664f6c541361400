// Images [H,W,C] of bytes brought to another size.
#pragma once

#include "keel/core/tensor.h"

namespace keel::data {

// The image at another size, its aspect not kept. Each new pixel is the mean of the old ones around its
// centre, weighted by a triangle that falls to 0 at a distance of one new pixel where the image shrinks and
// of one old pixel where it grows: bilinear interpolation with antialiasing, as Pillow's BILINEAR. An image
// that has the size already comes out as it is.
//   shapes: uint8 [H,W,C] -> uint8 [height,width,C]
//   throws: DTypeError, ShapeError; ValueError if height or width is outside [1, kMaxResizeExtent]
Tensor resize_image(const Tensor& image, Index height, Index width);

inline constexpr Index kMaxResizeExtent = 4096;

}  // namespace keel::data
