#include "kernels/gemm.h"

#include "kernels/gemm_tile.h"
#include "kernels/parallel.h"
#include "kernels/transpose.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Summed in registers before y is written: a panel of b of this depth stays in the second-level cache.
constexpr Index kGemmDepth = 1024;
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

template <class T>
void gemm_kernel(const T* a, const T* b, const T* bias, T* y, T* packed, const GemmSizes& s, bool relu) {
  constexpr Index kPanel = kPanelVectors * kLanes<T>;
  const Columns<T> columns = columns_of(b, packed, s);
  const Rows<T> left = rows_of(a, packed + gemm_packed_columns<T>(s), s);
  const Index panels = ceil_div(s.n, kPanel), row_blocks = ceil_div(s.m, kGemmRows);
  const double work = static_cast<double>(s.m * s.n) * static_cast<double>(s.k) / 4;
  const Index a_row = s.transpose_a ? 1 : s.k, a_step = s.transpose_a ? s.m : 1;
  for_chunks(panels * row_blocks, 1, work, [&](Index task, Index, Index) {
    // All panels of a block of rows one after the other: rows are what other loops are cut by, too.
    const Index panel = task % panels, top = task / panels * kGemmRows;
    const Index first = panel * kPanel, width = min_of(kPanel, s.n - first);
    const Index vectors = ceil_div(width, kLanes<T>);
    const Index b_step = columns.step != 0 ? columns.step : vectors * kLanes<T>;
    // One pass even where there is nothing to sum: y is the bias then.
    for (Index k = 0; k == 0 || k < s.k; k += kGemmDepth) {
      const Index depth = min_of(kGemmDepth, s.k - k);
      for_tiles(min_of(kGemmRows, s.m - top), [&](Index row, Index rows) {
        row += top;
        const GemmTile<T> tile{
            .a = left.packed ? left.data + row * s.k + k * rows : a + row * a_row + k * a_step,
            .a_row = left.packed ? 1 : a_row,
            .a_step = left.packed ? rows : a_step,
            .b = columns.data + panel * columns.panel + k * b_step,
            .b_step = b_step,
            .y = y + row * s.n + first,
            .y_row = s.n,
            .bias = bias != nullptr ? bias + first : nullptr,
            .columns = width,
            .depth = depth,
            .first = k == 0,
            .relu = relu && k + depth == s.k};
        run_tile<GemmTile<T>>(rows, vectors, tile);
      });
    }
  });
}

}  // namespace

const Entry<GemmKernel> gemm = {gemm_kernel<float>, gemm_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
