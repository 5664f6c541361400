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

}  // namespace
}  // namespace keel::kernels
