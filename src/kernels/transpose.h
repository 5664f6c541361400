// Transposed copies of matrices, a square of vectors at a time.
#pragma once

#include <utility>

#include "kernels/simd.h"

namespace keel::kernels {
namespace {

// The elements of a and b in turn, from the lower or the upper half of each.
template <class T, int... kElement>
inline __attribute__((always_inline)) Vector<T> interleave_low(Vector<T> a, Vector<T> b,
                                                               std::integer_sequence<int, kElement...>) {
  constexpr int kCount = sizeof...(kElement);
  return __builtin_shufflevector(a, b, (kElement / 2 + kElement % 2 * kCount)...);
}
template <class T, int... kElement>
inline __attribute__((always_inline)) Vector<T> interleave_high(Vector<T> a, Vector<T> b,
                                                                std::integer_sequence<int, kElement...>) {
  constexpr int kCount = sizeof...(kElement);
  return __builtin_shufflevector(a, b, (kCount / 2 + kElement / 2 + kElement % 2 * kCount)...);
}

// out[c * out_step + r] = in[r * in_step + c] for a square of kLanes rows and columns.   writes out
//
// Seen as one sequence of rows, interleaving its two halves turns the digits of an element's position (in
// base 2) by one place; after log2(kLanes) times row and column have changed places.
template <class T>
inline void transpose_square(const T* in, Index in_step, T* out, Index out_step) {
  constexpr int kSide = static_cast<int>(kLanes<T>);
  constexpr std::make_integer_sequence<int, kSide> kElements;
  Vector<T> rows[kSide];
#pragma GCC unroll 16
  for (int r = 0; r < kSide; ++r) rows[r] = load(in + r * in_step);
#pragma GCC unroll 4
  for (int width = 1; width < kSide; width *= 2) {
    Vector<T> next[kSide];
#pragma GCC unroll 8
    for (int r = 0; r < kSide / 2; ++r) {
      next[2 * r] = interleave_low<T>(rows[r], rows[r + kSide / 2], kElements);
      next[2 * r + 1] = interleave_high<T>(rows[r], rows[r + kSide / 2], kElements);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kSide; ++r) rows[r] = next[r];
  }
#pragma GCC unroll 16
  for (int r = 0; r < kSide; ++r) store(out + r * out_step, rows[r]);
}

// out[c * out_step + r] = in[r * in_step + c] for r < rows, c < columns.   writes out
template <class T>
inline void transpose(const T* in, Index in_step, Index rows, Index columns, T* out, Index out_step) {
  const Index whole_rows = rows / kLanes<T> * kLanes<T>, whole_columns = columns / kLanes<T> * kLanes<T>;
  for (Index r = 0; r < whole_rows; r += kLanes<T>) {
    for (Index c = 0; c < whole_columns; c += kLanes<T>) {
      transpose_square(in + r * in_step + c, in_step, out + c * out_step + r, out_step);
    }
  }
  for (Index c = 0; c < columns; ++c) {
    for (Index r = c < whole_columns ? whole_rows : 0; r < rows; ++r) {
      out[c * out_step + r] = in[r * in_step + c];
    }
  }
}

}  // namespace
}  // namespace keel::kernels
