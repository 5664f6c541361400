#include "kernels/conv2d.h"
#include "kernels/conv2d_tile.h"
#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// One tile: P neighbouring pixels of an output row by V vectors of output channels.
template <class T>
struct ForwardTile {
  const T* x;      // the first pixel's first tap
  const T* panel;  // the packed bias and weights
  T* y;            // the first pixel's first channel
  Index channels;  // of the panel that exist
  bool relu;

  template <int P, int V>
  static __attribute__((noinline)) void run(const ForwardTile& tile, const Conv2dSizes& s, const Runs& runs) {
    const Index step = s.stride_w * s.c;
    const T* weight = tile.panel;
    Vector<T> sum[P][V];
#pragma GCC unroll 32
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[p][v] = load(weight + v * kLanes<T>);
    }
    weight += V * kLanes<T>;
    for (Index i = 0; i < s.kh; ++i) {
      for (Index j = 0; j < runs.per_row; ++j) {
        const T* x = tile.x + (i * s.dilation_h * s.w + j * s.dilation_w) * s.c;
        for (Index e = 0; e < runs.length; ++e, ++x, weight += V * kLanes<T>) {
          Vector<T> w[V];
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) w[v] = load(weight + v * kLanes<T>);
#pragma GCC unroll 32
          for (int p = 0; p < P; ++p) {
            const T value = x[p * step];
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) sum[p][v] += value * w[v];
          }
        }
      }
    }
    if (tile.relu) {
#pragma GCC unroll 32
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[p][v] = sum[p][v] < 0 ? Vector<T>{} : sum[p][v];
      }
    }
    if (tile.channels == V * kLanes<T>) {
      store_tile<P, V>(tile.y, s.k, sum);
    } else {
      T rows[P * V * kLanes<T>];
      store_tile<P, V>(rows, V * kLanes<T>, sum);
      for (int p = 0; p < P; ++p) {
        for (Index c = 0; c < tile.channels; ++c) tile.y[p * s.k + c] = rows[p * V * kLanes<T> + c];
      }
    }
  }
};

// Output rows of a chunk: the weights of a panel are read once for all of them.
constexpr Index kChunkRows = 8;

template <class T>
void conv2d_forward_kernel(const T* x, const T* packed, T* y, const Conv2dSizes& s, bool relu) {
  const Runs runs = runs_of(s);
  const Index c_group = s.c / s.groups, k_group = s.k / s.groups;
  const Index panel = kPanelVectors * kLanes<T>;
  const double work =
      static_cast<double>(s.n * s.oh * s.ow * s.kh) * static_cast<double>(s.kw * c_group * s.k) / 4;
  for_chunks(s.n * s.oh, kChunkRows, work, [&](Index begin, Index end, Index) {
    for (Index g = 0; g < s.groups; ++g) {
      const T* weights = packed + g * (s.kh * s.kw * c_group + 1) * padded_channels<T>(k_group);
      for (Index first = 0; first < k_group; first += panel) {
        const Index channels = min_of(panel, k_group - first);
        const Index vectors = ceil_div(channels, kLanes<T>);
        for (Index row = begin; row < end; ++row) {
          const T* x_row = x + (row / s.oh * s.h + row % s.oh * s.stride_h) * s.w * s.c + g * c_group;
          for_tiles(s.ow, [&](Index pixel, Index pixels) {
            const ForwardTile<T> tile{x_row + pixel * s.stride_w * s.c, weights,
                                      y + (row * s.ow + pixel) * s.k + g * k_group + first, channels, relu};
            run_tile<ForwardTile<T>>(pixels, vectors, tile, s, runs);
          });
        }
        weights += (s.kh * s.kw * c_group + 1) * vectors * kLanes<T>;
      }
    }
  });
}

}  // namespace

const Entry<Conv2dForwardKernel> conv2d_forward = {conv2d_forward_kernel<float>,
                                                   conv2d_forward_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
