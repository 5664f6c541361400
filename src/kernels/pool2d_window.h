// The windows of a pooling.
#pragma once

#include "kernels/pool2d.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// The part of an output pixel's window that lies in the image.
struct Window {
  Index top, bottom, left, right;

  Window(const Pool2dSizes& s, Index i, Index j)
      : top(i * s.stride_h - s.pad_h),
        bottom(top + s.kh),
        left(j * s.stride_w - s.pad_w),
        right(left + s.kw) {
    if (top < 0) top = 0;
    if (left < 0) left = 0;
    if (bottom > s.h) bottom = s.h;
    if (right > s.w) right = s.w;
  }

  Index divisor(const Pool2dSizes& s, bool count_padding) const {
    return count_padding ? s.kh * s.kw : (bottom - top) * (right - left);
  }
};

double window_elements(const Pool2dSizes& s) {
  return static_cast<double>(s.n * s.oh * s.ow * s.c) * static_cast<double>(s.kh * s.kw);
}

// Calls body(image, window, output pixel) for all output pixels of rows [begin, end) of all images' output
// rows.
template <class Body>
inline void for_windows(const Pool2dSizes& s, Index begin, Index end, const Body& body) {
  for (Index row = begin; row < end; ++row) {
    for (Index j = 0; j < s.ow; ++j) body(row / s.oh, Window(s, row % s.oh, j), row * s.ow + j);
  }
}

// Forward loops may be cut anywhere; backward, where windows overlap, only between images.
constexpr Index kForwardRows = 4;

}  // namespace
}  // namespace keel::kernels::KEEL_ISA
