// How a convolution kernel walks the taps of its weights.
#pragma once

#include "kernels/tile.h"

namespace keel::kernels {
namespace {

// Neighbouring taps of a kernel row lie next to each other, so that (tap, channel) is one run of kw * c
// elements, unless dilation or groups leave gaps.
struct Runs {
  Index per_row;  // runs in a kernel row
  Index length;   // elements of a run
};
template <class Sizes>
inline Runs runs_of(const Sizes& s) {
  if (s.dilation_w == 1 && s.groups == 1) return {1, s.kw * s.c};
  return {s.kw, s.c / s.groups};
}

}  // namespace
}  // namespace keel::kernels
