// The innermost loop of matrix products.
#pragma once

#include "kernels/tile.h"

namespace keel::kernels {
namespace {

// One tile: P rows by V vectors of columns, summed over a block of k.
template <class T>
struct GemmTile {
  const T* a;     // the first row's first element
  Index a_row;    // from one row to the next
  Index a_step;   // from one k to the next
  const T* b;     // the first k's first column
  Index b_step;   // from one k to the next
  T* y;           // the first row's first column
  Index y_row;    // from one row to the next
  const T* bias;  // of the first column, or null
  Index columns;  // that exist
  Index depth;    // of the block
  bool first, relu;

  template <int P, int V>
  static __attribute__((noinline)) void run(const GemmTile& t) {
    Vector<T> sum[P][V] = {};
    const T* a = t.a;
    const T* b = t.b;
    for (Index k = 0; k < t.depth; ++k, a += t.a_step, b += t.b_step) {
      Vector<T> column[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) column[v] = load(b + v * kLanes<T>);
#pragma GCC unroll 32
      for (int p = 0; p < P; ++p) {
        const T value = a[p * t.a_row];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[p][v] += value * column[v];
      }
    }
    if (t.columns == V * kLanes<T>) {
      finish<P, V>(t, t.y, t.y_row, t.bias, sum);
    } else {
      T rows[P * V * kLanes<T>], bias[V * kLanes<T>] = {};
      for (Index c = 0; t.bias != nullptr && c < t.columns; ++c) bias[c] = t.bias[c];
      for (int p = 0; p < P; ++p) {
        for (Index c = 0; c < t.columns; ++c) rows[p * V * kLanes<T> + c] = t.y[p * t.y_row + c];
      }
      finish<P, V>(t, rows, V * kLanes<T>, bias, sum);
      for (int p = 0; p < P; ++p) {
        for (Index c = 0; c < t.columns; ++c) t.y[p * t.y_row + c] = rows[p * V * kLanes<T> + c];
      }
    }
  }

  template <int P, int V>
  static inline __attribute__((always_inline)) void finish(const GemmTile& t, T* y, Index y_row,
                                                           const T* bias, Vector<T> (&sum)[P][V]) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Vector<T> offset = t.first && bias != nullptr ? load(bias + v * kLanes<T>) : Vector<T>{};
#pragma GCC unroll 32
      for (int p = 0; p < P; ++p) {
        T* out = y + p * y_row + v * kLanes<T>;
        Vector<T> value = sum[p][v] + (t.first ? offset : load(out));
        if (t.relu) value = value < 0 ? Vector<T>{} : value;
        store(out, value);
      }
    }
  }
};

}  // namespace
}  // namespace keel::kernels
