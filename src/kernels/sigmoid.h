// The logistic function of one number.
#pragma once

#include <cmath>

#include "kernels/kernel.h"

namespace keel::kernels {
namespace {

// exp of a number at most 0 never overflows; the two halves are mirror images.
template <class T>
inline __attribute__((always_inline)) T sigmoid_of(T v) {
  const T e = std::exp(v < 0 ? v : -v);
  return (v < 0 ? e : T(1)) / (1 + e);
}

}  // namespace
}  // namespace keel::kernels
