#include "kernels/reduce.h"

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kColumns = 64;  // inner positions reduced side by side, in registers and the first cache

// Sum of n consecutive elements, in as many independent lanes as hide the latency of an addition.
template <class T>
double sum_of_row(const T* x, Index n) {
  constexpr Index kLanesOfSum = 16;
  double lanes[kLanesOfSum] = {};
  Index k = 0;
  for (; k + kLanesOfSum <= n; k += kLanesOfSum) {
    for (Index lane = 0; lane < kLanesOfSum; ++lane) lanes[lane] += static_cast<double>(x[k + lane]);
  }
  for (; k < n; ++k) lanes[k % kLanesOfSum] += static_cast<double>(x[k]);
  double total = 0;
  for (const double lane : lanes) total += lane;
  return total;
}

// y[i] = scale * sum over k of x[k * stride + i], for i < width <= kColumns
template <class T>
void sum_of_columns(const T* x, double scale, T* y, Index n, Index stride, Index width) {
  double sums[kColumns] = {};
  for (Index k = 0; k < n; ++k) {
    for (Index i = 0; i < width; ++i) sums[i] += static_cast<double>(x[k * stride + i]);
  }
  for (Index i = 0; i < width; ++i) y[i] = static_cast<T>(scale * sums[i]);
}

template <class T>
void reduce_sum_kernel(const T* x, double scale, T* y, Index outer, Index n, Index inner) {
  const double work = static_cast<double>(outer) * static_cast<double>(n) * static_cast<double>(inner);
  if (inner == 1) {
    const Index rows_per_chunk = n >= 4096 ? 1 : 4096 / (n > 0 ? n : 1);
    for_chunks(outer, rows_per_chunk, work, [&](Index begin, Index end, Index) {
      for (Index o = begin; o < end; ++o) y[o] = static_cast<T>(scale * sum_of_row(x + o * n, n));
    });
    return;
  }
  const Index blocks = num_chunks(inner, kColumns);
  const Index additions = n * (inner < kColumns ? inner : kColumns);
  const Index blocks_per_chunk = additions >= 4096 ? 1 : 4096 / (additions > 0 ? additions : 1);
  for_chunks(outer * blocks, blocks_per_chunk, work, [&](Index first, Index last, Index) {
    for (Index block = first; block < last; ++block) {
      const Index o = block / blocks, begin = block % blocks * kColumns;
      sum_of_columns(x + o * n * inner + begin, scale, y + o * inner + begin, n, inner,
                     inner - begin < kColumns ? inner - begin : kColumns);
    }
  });
}

// The larger; NaN if either is.
template <class T>
T larger(T a, T b) {
  return ((a >= b) | (a != a)) ? a : b;
}

// The largest of n consecutive elements; NaN if any is. Lanes pass over NaN, which a second set of them
// keeps.
template <class T>
T max_of_row(const T* x, Index n) {
  constexpr Index kUnroll = 4;
  if (n < kUnroll * kLanes<T>) {
    T result = x[0];
    for (Index k = 1; k < n; ++k) result = larger(result, x[k]);
    return result;
  }
  Vector<T> largest[kUnroll], nan[kUnroll];
  for (Index u = 0; u < kUnroll; ++u) largest[u] = nan[u] = load(x + u * kLanes<T>);
  Index k = kUnroll * kLanes<T>;
  for (; k + kUnroll * kLanes<T> <= n; k += kUnroll * kLanes<T>) {
    for (Index u = 0; u < kUnroll; ++u) {
      const Vector<T> v = load(x + k + u * kLanes<T>);
      largest[u] = v > largest[u] ? v : largest[u];
      nan[u] = v == v ? nan[u] : v;
    }
  }
  T result = x[0];
  for (; k < n; ++k) result = larger(result, x[k]);
  for (Index u = 0; u < kUnroll; ++u) {
    for (Index lane = 0; lane < kLanes<T>; ++lane) {
      const T bad = nan[u][lane];
      result = larger(result, bad == bad ? largest[u][lane] : bad);
    }
  }
  return result;
}

template <class T>
void reduce_max_kernel(const T* x, T* y, Index outer, Index n, Index inner) {
  if (inner == 1) {
    for (Index o = 0; o < outer; ++o) y[o] = max_of_row(x + o * n, n);
    return;
  }
  for (Index o = 0; o < outer; ++o) {
    const T* block = x + o * n * inner;
    T* result = y + o * inner;
    for (Index i = 0; i < inner; ++i) result[i] = block[i];
    for (Index k = 1; k < n; ++k) {
      for (Index i = 0; i < inner; ++i) result[i] = larger(result[i], block[k * inner + i]);
    }
  }
}

template <class T>
void argmax_kernel(const T* x, std::int32_t* index, Index rows, Index n) {
  for (Index r = 0; r < rows; ++r) {
    const T* row = x + r * n;
    Index best = 0;
    for (Index k = 1; k < n && row[best] == row[best]; ++k) {
      if (row[k] > row[best] || row[k] != row[k]) best = k;
    }
    index[r] = static_cast<std::int32_t>(best);
  }
}

}  // namespace

const Entry<ReduceSumKernel> reduce_sum = {reduce_sum_kernel<float>, reduce_sum_kernel<double>};
const Entry<ReduceMaxKernel> reduce_max = {reduce_max_kernel<float>, reduce_max_kernel<double>};
const Entry<ArgmaxKernel> argmax = {argmax_kernel<float>, argmax_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
