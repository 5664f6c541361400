#include "kernels/conv2d.h"
#include "kernels/conv2d_tile.h"
#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// One tile: P neighbouring elements of a run (taps and input channels) by V vectors of output channels,
// summed over the pixels of an image.
template <class T>
struct WeightGradTile {
  const T* x;      // the first pixel's first element
  const T* dy;     // the first pixel's first channel
  T* sum;          // the first element's first channel
  Index sum_step;  // from one element to the next
  Index safe;      // pixels whose vectors of dy all lie in memory that is ours to read
  Index channels;  // of the panel that exist

  template <int P, int V>
  static __attribute__((noinline)) void run(const WeightGradTile& tile, const Conv2dSizes& s) {
    Vector<T> sum[P][V];
    load_tile<P, V>(tile.sum, tile.sum_step, sum);
    for (Index i = 0; i * s.ow < tile.safe; ++i) {
      const T* x = tile.x + i * s.stride_h * s.w * s.c;
      const T* dy = tile.dy + i * s.ow * s.k;
      const Index pixels = min_of(s.ow, tile.safe - i * s.ow);
      for (Index j = 0; j < pixels; ++j, x += s.stride_w * s.c, dy += s.k) {
        Vector<T> d[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) d[v] = load(dy + v * kLanes<T>);
#pragma GCC unroll 32
        for (int p = 0; p < P; ++p) {
          const T value = x[p];
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sum[p][v] += value * d[v];
        }
      }
    }
    store_tile<P, V>(tile.sum, tile.sum_step, sum);
    for (Index pixel = tile.safe; pixel < s.oh * s.ow; ++pixel) {
      const T* x = tile.x + (pixel / s.ow * s.stride_h * s.w + pixel % s.ow * s.stride_w) * s.c;
      for (int p = 0; p < P; ++p) {
        for (Index k = 0; k < tile.channels; ++k)
          tile.sum[p * tile.sum_step + k] += x[p] * tile.dy[pixel * s.k + k];
      }
    }
  }
};

// The same for kernels so small that all their taps and input channels, P of them, make one tile: dy is read
// once, and not once for each row of the kernel.
template <class T>
struct SmallKernelTile {
  const T* x;            // the first pixel's first element
  const Index* offsets;  // from there, of each tap and channel
  const T* dy;
  T* sum;
  Index sum_step;

  template <int P, int V>
  static __attribute__((noinline)) void run(const SmallKernelTile& tile, const Conv2dSizes& s) {
    Vector<T> sum[P][V];
    load_tile<P, V>(tile.sum, tile.sum_step, sum);
    Index offsets[P];
#pragma GCC unroll 32
    for (int p = 0; p < P; ++p) offsets[p] = tile.offsets[p];
    const T* dy = tile.dy;
    for (Index i = 0; i < s.oh; ++i) {
      const T* x = tile.x + i * s.stride_h * s.w * s.c;
      for (Index j = 0; j < s.ow; ++j, x += s.stride_w * s.c, dy += s.k) {
        Vector<T> d[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) d[v] = load(dy + v * kLanes<T>);
#pragma GCC unroll 32
        for (int p = 0; p < P; ++p) {
          const T value = x[offsets[p]];
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sum[p][v] += value * d[v];
        }
      }
    }
    store_tile<P, V>(tile.sum, tile.sum_step, sum);
  }
};

// Output channels in whole vectors only, so that no vector of dy reads beyond it.
template <class T>
bool is_small_kernel(const Conv2dSizes& s) {
  return s.groups == 1 && s.kh * s.kw * s.c <= kTileRows && s.k % kLanes<T> == 0;
}

// What one task sums: a part of the images, for one row of the kernel and one panel of a group's output
// channels.
struct Slice {
  Index kernel_row;
  Index group;
  Index first;  // output channel of the group
};

// Adds image n to sum, which has a row of `sum_step` channels for each element of the kernel row.
template <class T>
void add_image(const T* x, const T* dy, T* sum, Index sum_step, Index n, const Slice& slice,
               const Conv2dSizes& s) {
  const Runs runs = runs_of(s);
  const Index pixels = s.oh * s.ow, k_group = s.k / s.groups;
  const Index channels = min_of(kPanelVectors * kLanes<T>, k_group - slice.first);
  const Index vectors = ceil_div(channels, kLanes<T>);
  x += (n * s.h + slice.kernel_row * s.dilation_h) * s.w * s.c + slice.group * (s.c / s.groups);
  dy += n * pixels * s.k + slice.group * k_group + slice.first;
  // A vector that is not full reads on into the next pixel; past the last image there is none.
  const Index readable = (s.n - n) * pixels * s.k - slice.group * k_group - slice.first;
  Index safe = pixels;
  const Index width = vectors * kLanes<T>;
  while (safe > 0 && (safe - 1) * s.k + width > readable) --safe;
  for (Index j = 0; j < runs.per_row; ++j) {
    for_tiles(runs.length, [&](Index element, Index elements) {
      const WeightGradTile<T> tile{x + j * s.dilation_w * s.c + element,
                                   dy,
                                   sum + (j * runs.length + element) * sum_step + slice.first,
                                   sum_step,
                                   safe,
                                   channels};
      run_tile<WeightGradTile<T>>(elements, vectors, tile, s);
    });
  }
}

// A part holds, for each kernel row and group, `rows` rows of `row_length` output channels.
template <class T>
struct PartLayout {
  Index rows, row_length, blocks, elements, parts, images;

  explicit PartLayout(const Conv2dSizes& s)
      : rows(s.kw * (s.c / s.groups)),
        row_length(padded_channels<T>(s.k / s.groups)),
        blocks(s.kh * s.groups),
        elements(blocks * rows * row_length),
        parts(conv2d_weight_grad_parts(s.n, elements)),
        images(parts == 0 ? 0 : ceil_div(s.n, parts)) {}
};

// parts = the sums over each part's images.
template <class T>
void sum_parts_of_small_kernel(const T* x, const T* dy, T* parts, const PartLayout<T>& layout,
                               const Conv2dSizes& s) {
  Index offsets[kTileRows];
  const Index elements = s.kh * s.kw * s.c;
  for (Index e = 0; e < elements; ++e) {
    const Index tap = e / s.c;
    offsets[e] = (tap / s.kw * s.dilation_h * s.w + tap % s.kw * s.dilation_w) * s.c + e % s.c;
  }
  const Index panel = kPanelVectors * kLanes<T>, panels = ceil_div(s.k, panel);
  const double multiply_adds = static_cast<double>(s.n * s.oh * s.ow) * static_cast<double>(s.k * elements);
  for_chunks(layout.parts * panels, 1, multiply_adds / 4, [&](Index task, Index, Index) {
    const Index part = task / panels, first = task % panels * panel;
    T* sum = parts + part * layout.elements + first;
    const Index vectors = min_of(panel, s.k - first) / kLanes<T>;
    for (Index e = 0; e < elements; ++e) {
      for (Index k = 0; k < vectors * kLanes<T>; ++k) sum[e * layout.row_length + k] = 0;
    }
    for (Index n = part * layout.images; n < min_of((part + 1) * layout.images, s.n); ++n) {
      const SmallKernelTile<T> tile{x + n * s.h * s.w * s.c, offsets, dy + n * s.oh * s.ow * s.k + first, sum,
                                    layout.row_length};
      run_tile<SmallKernelTile<T>>(elements, vectors, tile, s);
    }
  });
}

// The same for any kernel.
template <class T>
void sum_parts(const T* x, const T* dy, T* parts, const PartLayout<T>& layout, const Conv2dSizes& s) {
  const Index panel = kPanelVectors * kLanes<T>;
  const Index panels = ceil_div(s.k / s.groups, panel);
  const double multiply_adds =
      static_cast<double>(s.n * s.oh * s.ow * s.k) * static_cast<double>(layout.rows * s.kh);
  for_chunks(layout.parts * layout.blocks * panels, 1, multiply_adds / 4, [&](Index task, Index, Index) {
    const Index block = task / panels % layout.blocks;
    const Index part = task / panels / layout.blocks;
    const Slice slice{block / s.groups, block % s.groups, task % panels * panel};
    T* sum = parts + part * layout.elements + block * layout.rows * layout.row_length;
    const Index end = min_of(slice.first + panel, layout.row_length);
    for (Index row = 0; row < layout.rows; ++row) {
      for (Index k = slice.first; k < end; ++k) sum[row * layout.row_length + k] = 0;
    }
    for (Index n = part * layout.images; n < min_of((part + 1) * layout.images, s.n); ++n) {
      add_image(x, dy, sum, layout.row_length, n, slice, s);
    }
  });
}

template <class T>
void conv2d_weight_grad_kernel(const T* x, const T* dy, T* parts, T* dweight, const Conv2dSizes& s) {
  const PartLayout<T> layout(s);
  if (is_small_kernel<T>(s)) {
    sum_parts_of_small_kernel(x, dy, parts, layout, s);
  } else {
    sum_parts(x, dy, parts, layout, s);
  }
  const Index k_group = s.k / s.groups;
  const double additions = static_cast<double>(layout.parts * layout.elements);
  for_chunks(layout.blocks * layout.rows, 16, additions, [&](Index begin, Index end, Index) {
    for (Index row = begin; row < end; ++row) {
      const Index block = row / layout.rows;
      const Index dweight_row = block / s.groups * layout.rows + row % layout.rows;
      T* out = dweight + dweight_row * s.k + block % s.groups * k_group;
      for (Index part = 0; part < layout.parts; ++part) {
        const T* sum = parts + part * layout.elements + row * layout.row_length;
        for (Index k = 0; k < k_group; ++k) out[k] += sum[k];
      }
    }
  });
}

}  // namespace

const Entry<Conv2dWeightGradKernel> conv2d_weight_grad = {conv2d_weight_grad_kernel<float>,
                                                          conv2d_weight_grad_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
