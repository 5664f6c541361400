// Bounds for the sizes of images and windows: sums and products of two of them fit an Index.
#pragma once

#include <cstdint>

#include "keel/core/error.h"
#include "keel/ops/pair.h"

namespace keel {

inline constexpr Index kMaxExtent = INT32_MAX;

inline void check_option(const char* operation, const char* option, Pair value) {
  check<ValueError>(value.h <= kMaxExtent && value.w <= kMaxExtent, "[{}] {} {}x{}: expects at most {}",
                    operation, option, value.h, value.w, kMaxExtent);
}

inline void check_image_extents(const char* operation, const Shape& x) {
  check<ShapeError>(x[1] <= kMaxExtent && x[2] <= kMaxExtent,
                    "[{}] input {}: expects at most {} pixels along an axis", operation, x, kMaxExtent);
}

}  // namespace keel
