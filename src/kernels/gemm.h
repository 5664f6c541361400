// Matrix products that are near the processor's peak for the small sizes of training too, where a library
// spends more on packing than on products.
//
// Each element of y is one sum over k in order, in blocks of kGemmDepth: its bits depend on its row of a and
// column of b alone, not on how many other rows there are.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// y = op(a) op(b), all row-major.
//   a: [m, k], or [k, m] if transpose_a     b: [k, n], or [n, k] if transpose_b     y: [m, n]
struct GemmSizes {
  Index m, n, k;
  bool transpose_a = false, transpose_b = false;
};

// Rows that are far apart compete for the same few places of the caches: with many columns to use them for,
// packing them pays.
constexpr bool worth_packing_rows(const GemmSizes& s) { return s.n >= 256 && s.m * s.k >= (Index{1} << 18); }

// Sums over k are taken in blocks of this depth: a panel of b of it stays in the second-level cache.
inline constexpr Index kGemmDepth = 512;
constexpr Index gemm_blocks(const GemmSizes& s) {
  return s.k <= kGemmDepth ? 1 : (s.k + kGemmDepth - 1) / kGemmDepth;
}
// With few rows the blocks are shared out among threads, each with a y of its own, and added in order: b is
// the larger part of the work then, and each thread reads those rows of it that it updates elsewhere.
constexpr bool gemm_shares_blocks(const GemmSizes& s) { return s.m <= 64 && gemm_blocks(s) > 1; }

// Columns of a packed b: rounded up to the widest vectors of any instruction set level.
template <class T>
constexpr Index gemm_packed_columns(const GemmSizes& s) {
  const Index lanes = 64 / static_cast<Index>(sizeof(T));
  return s.k * ((s.n + lanes - 1) / lanes * lanes);
}
template <class T>
constexpr Index gemm_packed_elements(const GemmSizes& s) {
  return gemm_packed_columns<T>(s) + (worth_packing_rows(s) ? s.m * s.k : 0) +
         (gemm_shares_blocks(s) ? (gemm_blocks(s) - 1) * s.m * s.n : 0);
}

// y = op(a) op(b) + bias, negative elements set to 0 if relu.   writes y
//   bias     [n], or null for zeros
//   packed   work space, gemm_packed_elements(sizes).   writes packed
template <class T>
using GemmKernel = void(const T* a, const T* b, const T* bias, T* y, T* packed, const GemmSizes& sizes,
                        bool relu);
KEEL_KERNEL(gemm, GemmKernel);

}  // namespace keel::kernels
