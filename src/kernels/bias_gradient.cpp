#include "kernels/bias_gradient.h"

#include "kernels/parallel.h"
#include "kernels/tile.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
struct Block {
  const T* dy;
  const T* y;
  T* masked;
  T* sums;
  Index rows, step;
};

// V vectors of columns, summed in registers.
template <class T, int V, bool kMask>
void sum_vectors(const Block<T>& block) {
  Vector<T> sum[V] = {};
  for (Index r = 0; r < block.rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Index at = r * block.step + v * kLanes<T>;
      Vector<T> d = load(block.dy + at);
      if constexpr (kMask) {
        d = load(block.y + at) > 0 ? d : Vector<T>{};
        store(block.masked + at, d);
      }
      sum[v] += d;
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) store(block.sums + v * kLanes<T>, sum[v]);
}

template <class T, bool kMask>
void sum_column(const Block<T>& block) {
  T sum = 0;
  for (Index r = 0; r < block.rows; ++r) {
    const Index at = r * block.step;
    T d = block.dy[at];
    if constexpr (kMask) {
      d = block.y[at] > 0 ? d : T(0);
      block.masked[at] = d;
    }
    sum += d;
  }
  *block.sums = sum;
}

template <class T, bool kMask>
void sum_rows(const Block<T>& rows, Index columns) {
  Index c = 0;
  const auto from = [&] {
    return Block<T>{rows.dy + c,
                    kMask ? rows.y + c : nullptr,
                    kMask ? rows.masked + c : nullptr,
                    rows.sums + c,
                    rows.rows,
                    rows.step};
  };
  for (; c + 4 * kLanes<T> <= columns; c += 4 * kLanes<T>) sum_vectors<T, 4, kMask>(from());
  for (; c + kLanes<T> <= columns; c += kLanes<T>) sum_vectors<T, 1, kMask>(from());
  for (; c < columns; ++c) sum_column<T, kMask>(from());
}

template <class T>
void bias_gradient_kernel(const T* dy, const T* y, T* masked, T* partial, T* dbias, Index rows,
                          Index columns) {
  const double work = static_cast<double>(rows * columns);
  for_chunks(rows, kBiasGradientRows, work, [=](Index begin, Index end, Index chunk) {
    const Index at = begin * columns;
    T* sums = partial + chunk * columns;
    if (y == nullptr) {
      sum_rows<T, false>({dy + at, nullptr, nullptr, sums, end - begin, columns}, columns);
    } else {
      sum_rows<T, true>({dy + at, y + at, masked + at, sums, end - begin, columns}, columns);
    }
  });
  const Index chunks = num_chunks(rows, kBiasGradientRows);
  for (Index c = 0; c < columns; ++c) {
    double sum = 0;
    for (Index chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(partial[chunk * columns + c]);
    dbias[c] = static_cast<T>(sum);
  }
}

}  // namespace

const Entry<BiasGradientKernel> bias_gradient = {bias_gradient_kernel<float>, bias_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
