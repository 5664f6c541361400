#include "kernels/gemm.h"

#include "kernels/gemm_tile.h"
#include "kernels/parallel.h"
#include "kernels/transpose.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Rows of a chunk, so that many rows make work for many threads.
constexpr Index kGemmRows = 8 * kTileRows;

// Where the tiles find b: in place if it lies in rows and no panel reads beyond them, else in packed panels.
template <class T>
struct Columns {
  const T* data;
  Index step;   // from one k to the next
  Index panel;  // from one panel to the next
};

constexpr bool in_place(const GemmSizes& s, Index lanes) {
  return !s.transpose_b && s.n % lanes == 0 && !worth_packing_rows(s);
}

// Columns [first, first + columns) of b, in order of k, in whole vectors.
template <class T>
void pack_panel(const T* b, T* out, Index first, Index columns, const GemmSizes& s) {
  const Index width = ceil_div(columns, kLanes<T>) * kLanes<T>;
  if (s.transpose_b) {
    for (Index c = columns; c < width; ++c) {
      for (Index k = 0; k < s.k; ++k) out[k * width + c] = 0;
    }
    transpose(b + first * s.k, s.k, columns, s.k, out, width);
    return;
  }
  for (Index k = 0; k < s.k; ++k) {
    const T* from = b + k * s.n + first;
    if (k * s.n + first + width <= s.k * s.n) {
      // Columns that there are not may hold anything: here, what comes next in b.
      for (Index c = 0; c < width; c += kLanes<T>) store(out + k * width + c, load(from + c));
    } else {
      for (Index c = 0; c < width; ++c) out[k * width + c] = c < columns ? from[c] : 0;
    }
  }
}

template <class T>
Columns<T> columns_of(const T* b, T* packed, const GemmSizes& s) {
  constexpr Index kPanel = kPanelVectors * kLanes<T>;
  if (in_place(s, kLanes<T>)) return {b, s.n, kPanel};
  const Index panels = ceil_div(s.n, kPanel);
  for_chunks(panels, 1, static_cast<double>(s.n * s.k), [=](Index panel, Index, Index) {
    const Index first = panel * kPanel, columns = min_of(kPanel, s.n - first);
    pack_panel(b, packed + first * s.k, first, columns, s);
  });
  return {packed, 0, kPanel * s.k};
}

// Where the tiles find a.
template <class T>
struct Rows {
  const T* data;
  bool packed;  // a tile of P rows, from row r on, lies at r * k, in order of k, P elements each
};

template <class T>
Rows<T> rows_of(const T* a, T* packed, const GemmSizes& s) {
  if (!worth_packing_rows(s)) return {a, false};
  for_chunks(s.m, kGemmRows, static_cast<double>(s.m * s.k), [=](Index begin, Index end, Index) {
    for_tiles(end - begin, [&](Index row, Index rows) {
      row += begin;
      T* out = packed + row * s.k;
      if (s.transpose_a) {
        for (Index k = 0; k < s.k; ++k) {
          for (Index r = 0; r < rows; ++r) out[k * rows + r] = a[k * s.m + row + r];
        }
      } else {
        transpose(a + row * s.k, s.k, rows, s.k, out, rows);
      }
    });
  });
  return {packed, true};
}

// What all tiles of a product have in common.
template <class T>
struct Product {
  const T* a;
  Rows<T> packed_rows;
  Columns<T> columns;
  const T* bias;
  bool relu;
  const GemmSizes& s;

  static constexpr Index kPanel = kPanelVectors * kLanes<T>;
  Index blocks = gemm_blocks(s);
  // All about equally deep.
  Index depth = ceil_div(s.k, blocks);

  // y = or += block `block` of the sums for a panel of the rows [top, bottom). The first block brings the
  // bias, the last one the relu, if y has all of the sums.
  void run(Index panel, Index top, Index bottom, Index block, T* y, bool all) const {
    const Index first = panel * kPanel, width = min_of(kPanel, s.n - first), k = block * depth;
    const Index vectors = ceil_div(width, kLanes<T>);
    const Index a_row = s.transpose_a ? 1 : s.k, a_step = s.transpose_a ? s.m : 1;
    const Index b_step = columns.step != 0 ? columns.step : vectors * kLanes<T>;
    for_tiles(bottom - top, [&](Index row, Index rows) {
      row += top;
      const T* in_place = a + row * a_row + k * a_step;
      const GemmTile<T> tile{.a = packed_rows.packed ? packed_rows.data + row * s.k + k * rows : in_place,
                             .a_row = packed_rows.packed ? 1 : a_row,
                             .a_step = packed_rows.packed ? rows : a_step,
                             .b = columns.data + panel * columns.panel + k * b_step,
                             .b_step = b_step,
                             .y = y + row * s.n + first,
                             .y_row = s.n,
                             .bias = bias != nullptr && block == 0 ? bias + first : nullptr,
                             .columns = width,
                             .depth = min_of(depth, s.k - k),
                             .first = block == 0 || !all,
                             .relu = relu && all && block == blocks - 1};
      run_tile<GemmTile<T>>(rows, vectors, tile);
    });
  }
};

template <class T>
void share_blocks(const Product<T>& product, T* y, T* partial, Index panels, double work) {
  const GemmSizes& s = product.s;
  for_chunks(product.blocks * panels, 1, work, [&](Index task, Index, Index) {
    const Index block = task / panels;
    product.run(task % panels, 0, s.m, block, block == 0 ? y : partial + (block - 1) * s.m * s.n, false);
  });
  for (Index block = 1; block < product.blocks; ++block) {
    const T* sums = partial + (block - 1) * s.m * s.n;
    for (Index i = 0; i < s.m * s.n; ++i) y[i] = sums[i] + y[i];
  }
  for (Index i = 0; product.relu && i < s.m * s.n; ++i) y[i] = y[i] < 0 ? 0 : y[i];
}

template <class T>
void gemm_kernel(const T* a, const T* b, const T* bias, T* y, T* packed, const GemmSizes& s, bool relu) {
  T* const packed_a = packed + gemm_packed_columns<T>(s);
  T* const partial = packed_a + (worth_packing_rows(s) ? s.m * s.k : 0);
  const Product<T> product{a, rows_of(a, packed_a, s), columns_of(b, packed, s), bias, relu, s};
  const Index panels = ceil_div(s.n, product.kPanel), row_blocks = ceil_div(s.m, kGemmRows);
  const double work = static_cast<double>(s.m * s.n) * static_cast<double>(s.k) / 4;
  if (gemm_shares_blocks(s)) {
    share_blocks(product, y, partial, panels, work);
    return;
  }
  for_chunks(panels * row_blocks, 1, work, [&](Index task, Index, Index) {
    // All panels of a block of rows one after the other: rows are what other loops are cut by, too.
    const Index top = task / panels * kGemmRows;
    for (Index block = 0; block < product.blocks; ++block) {
      product.run(task % panels, top, min_of(top + kGemmRows, s.m), block, y, true);
    }
  });
}

}  // namespace

const Entry<GemmKernel> gemm = {gemm_kernel<float>, gemm_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
