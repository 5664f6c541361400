#include "kernels/parallel.h"
#include "kernels/winograd_tile.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Three values to four, by G.
template <class T>
struct Four {
  Vector<T> value[4];

  Four(Vector<T> g0, Vector<T> g1, Vector<T> g2) {
    constexpr T kHalf = T(0.5);
    const Vector<T> ends = (g0 + g2) * kHalf, middle = g1 * kHalf;
    value[0] = g0;
    value[1] = ends + middle;
    value[2] = ends - middle;
    value[3] = g2;
  }
};

// Weights as the tiles of a product read them: by panel of output channels, in a panel [place, input channel,
// output channel].
template <class T>
struct PackedWeights {
  static constexpr Index kPanel = kPanelVectors * kLanes<T>;

  const T* weight;
  T* packed;
  Index c, k;
  bool flipped;

  Index inputs() const { return flipped ? k : c; }
  Index outputs() const { return flipped ? c : k; }

  // taps[tap][o] = the weight from input i to output first + o; 0 beyond the last.
  void read(Index i, Index first, T (&taps)[9][kPanel]) const {
    const Index input_step = flipped ? 1 : k, output_step = flipped ? k : 1;
    const Index real = min_of(kPanel, outputs() - first);
    for (Index tap = 0; tap < 9; ++tap) {
      const T* from = weight + (flipped ? 8 - tap : tap) * c * k + i * input_step + first * output_step;
      for (Index o = 0; o < real; ++o) taps[tap][o] = from[o * output_step];
      for (Index o = real; o < kPanel; ++o) taps[tap][o] = 0;
    }
  }

  void write(Index i, Index first, const T (&taps)[9][kPanel]) const {
    const Index width = ceil_div(min_of(kPanel, outputs() - first), kLanes<T>) * kLanes<T>;
    T* panel = packed + kWinogradPlaces * inputs() * first;
    for (Index o = 0; o < width; o += kLanes<T>) {
      const auto row = [&](int r) {
        return Four<T>(load(taps[r * 3] + o), load(taps[r * 3 + 1] + o), load(taps[r * 3 + 2] + o));
      };
      const Four<T> rows[3] = {row(0), row(1), row(2)};
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        const Four<T> u(rows[0].value[q], rows[1].value[q], rows[2].value[q]);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) store(panel + ((r * 4 + q) * inputs() + i) * width + o, u.value[r]);
      }
    }
  }
};

template <class T>
void winograd_weights_kernel(const T* weight, T* packed, Index c, Index k, bool flipped) {
  const PackedWeights<T> weights{weight, packed, c, k, flipped};
  const double work = 100.0 * static_cast<double>(c * k);
  for_chunks(weights.inputs(), 8, work, [&](Index begin, Index end, Index) {
    T taps[9][PackedWeights<T>::kPanel];
    for (Index first = 0; first < weights.outputs(); first += PackedWeights<T>::kPanel) {
      for (Index i = begin; i < end; ++i) {
        weights.read(i, first, taps);
        weights.write(i, first, taps);
      }
    }
  });
}

// A^T m A and what comes behind it, for one tile.
template <class T>
inline void write_tile(const T* m, Index step, const T* bias, T* y, const TilePlace& tile,
                       const WinogradSizes& s, bool relu) {
  T* out = y + ((tile.image * s.oh + tile.i) * s.ow + tile.j) * s.k;
  const bool right = tile.j + 1 < s.ow, below = tile.i + 1 < s.oh;
  for_channels<T>(s.k, [&]<class P>(Index k) {
    P rows[4][2];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      P d[4];
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) d[q] = load_as<P>(m + (r * 4 + q) * step + k);
      rows[r][0] = d[0] + d[1] + d[2];
      rows[r][1] = d[1] - d[2] - d[3];
    }
    const P offset = bias != nullptr ? load_as<P>(bias + k) : P{};
#pragma GCC unroll 2
    for (int q = 0; q < 2; ++q) {
      P above = rows[0][q] + rows[1][q] + rows[2][q] + offset;
      P under = rows[1][q] - rows[2][q] - rows[3][q] + offset;
      if (relu) {
        above = above < 0 ? P{} : above;
        under = under < 0 ? P{} : under;
      }
      if (q == 1 && !right) break;
      store_as<P>(out + q * s.k + k, above);
      if (below) store_as<P>(out + (s.ow + q) * s.k + k, under);
    }
  });
}

template <class T>
void winograd_forward_kernel(const T* x, const T* packed, const T* bias, T* y, T* scratch, int threads,
                             const WinogradSizes& s, bool relu) {
  constexpr Index kTiles = kWinogradForwardTiles, kPanel = kPanelVectors * kLanes<T>;
  const Tiles tiles(s);
  const Index padded_k = padded_channels<T>(s.k);
  const Index v_step = kTiles * s.c, m_step = kTiles * padded_k;
  const double work = 4.0 * static_cast<double>(s.n * tiles.of_image) * static_cast<double>(s.c * s.k);
  for_chunks(s.n * tiles.of_image, kTiles, work, threads, [&](Index begin, Index end, Index) {
    T* const v = scratch + loop_slot() * winograd_scratch<T>(kTiles, s.c, s.k);
    T* const m = v + kWinogradPlaces * v_step;
    T* const zeros = m + kWinogradPlaces * m_step;
    for (Index c = 0; c < s.c; ++c) zeros[c] = 0;
    TilePlace place_in(tiles, begin), place_out = place_in;
    for (Index t = begin; t < end; ++t, place_in.advance(s)) {
      transform_patch(x, zeros, v + (t - begin) * s.c, v_step, place_in, s);
    }
    for (Index first = 0; first < s.k; first += kPanel) {
      const Index vectors = ceil_div(min_of(kPanel, s.k - first), kLanes<T>), width = vectors * kLanes<T>;
      for (Index place = 0; place < kWinogradPlaces; ++place) {
        for_tiles(end - begin, [&](Index row, Index rows) {
          run_tile<GemmTile<T>>(rows, vectors,
                                GemmTile<T>{.a = v + place * v_step + row * s.c,
                                            .a_row = s.c,
                                            .a_step = 1,
                                            .b = packed + kWinogradPlaces * s.c * first + place * s.c * width,
                                            .b_step = width,
                                            .y = m + place * m_step + row * padded_k + first,
                                            .y_row = padded_k,
                                            .bias = nullptr,
                                            .columns = width,
                                            .depth = s.c,
                                            .first = true,
                                            .relu = false});
        });
      }
    }
    for (Index t = begin; t < end; ++t, place_out.advance(s)) {
      write_tile(m + (t - begin) * padded_k, m_step, bias, y, place_out, s, relu);
    }
  });
}

}  // namespace

const Entry<WinogradWeightsKernel> winograd_weights = {winograd_weights_kernel<float>,
                                                       winograd_weights_kernel<double>};
const Entry<WinogradForwardKernel> winograd_forward = {winograd_forward_kernel<float>,
                                                       winograd_forward_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
