// How the kernels of products and convolutions cut their work into tiles that stay in registers.
#pragma once

#include "kernels/simd.h"

namespace keel::kernels {
namespace {

// A tile is kTileRows rows (pixels, or input channels) by a panel of kPanelVectors vectors of output
// channels. Each step loads the panel's vectors once and one scalar a row; two registers are left for the
// scalar and a product.
inline constexpr int kPanelVectors = 2;
inline constexpr int kTileRows = (kVectorRegisters - kPanelVectors - 2) / kPanelVectors;

inline Index min_of(Index a, Index b) { return a < b ? a : b; }
inline Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

// Calls body(begin, rows) for the fewest pieces of [0, n) with at most kTileRows rows, all about equally
// long: a short last one would use the registers badly.
template <class Body>
inline void for_tiles(Index n, const Body& body) {
  const Index tiles = ceil_div(n, kTileRows);
  for (Index i = 0, begin = 0; i < tiles; ++i) {
    const Index rows = (n - begin) / (tiles - i);
    body(begin, rows);
    begin += rows;
  }
}

// Calls Tile::run<rows, vectors>(arguments...), for numbers known at run time only.
template <class Tile, int kRows = kTileRows, int kVectors = kPanelVectors, class... A>
inline void run_tile(Index rows, Index vectors, const A&... arguments) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return run_tile<Tile, kRows, kVectors - 1>(rows, vectors, arguments...);
  }
  if constexpr (kRows > 1) {
    if (rows < kRows) return run_tile<Tile, kRows - 1, kVectors>(rows, vectors, arguments...);
  }
  Tile::template run<kRows, kVectors>(arguments...);
}

// A tile's sums, of P rows by V vectors, from and to memory, `step` elements from one row to the next.
template <int P, int V, class T>
inline __attribute__((always_inline)) void load_tile(const T* from, Index step, Vector<T> (&sum)[P][V]) {
#pragma GCC unroll 32
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[p][v] = load(from + p * step + v * kLanes<T>);
  }
}
template <int P, int V, class T>
inline __attribute__((always_inline)) void store_tile(T* to, Index step, const Vector<T> (&sum)[P][V]) {
#pragma GCC unroll 32
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(to + p * step + v * kLanes<T>, sum[p][v]);
  }
}

}  // namespace
}  // namespace keel::kernels
