#include "kernels/parallel.h"
#include "kernels/winograd_tile.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// d[place * step + channel] = (A dy A^T)[place] for the pixels of a tile, with zeros for channels from K to
// padded_k.
template <class T>
inline void transform_gradient(const T* dy, const T* zeros, T* d, Index step, Index padded_k,
                               const TilePlace& tile, const WinogradSizes& s) {
  const T* from = dy + ((tile.image * s.oh + tile.i) * s.ow + tile.j) * s.k;
  const bool right = tile.j + 1 < s.ow, below = tile.i + 1 < s.oh;
  const T* const pixels[2][2] = {
      {from, right ? from + s.k : zeros},
      {below ? from + s.ow * s.k : zeros, below && right ? from + (s.ow + 1) * s.k : zeros}};
  for_channels<T>(s.k, [&]<class P>(Index k) {
    P rows[2][4];
#pragma GCC unroll 2
    for (int r = 0; r < 2; ++r) {
      const P left = load_as<P>(pixels[r][0] + k), next = load_as<P>(pixels[r][1] + k);
      rows[r][0] = left;
      rows[r][1] = left + next;
      rows[r][2] = left - next;
      rows[r][3] = -next;
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      store_as<P>(d + q * step + k, rows[0][q]);
      store_as<P>(d + (4 + q) * step + k, rows[0][q] + rows[1][q]);
      store_as<P>(d + (8 + q) * step + k, rows[0][q] - rows[1][q]);
      store_as<P>(d + (12 + q) * step + k, -rows[1][q]);
    }
  });
  for (Index place = 0; place < kWinogradPlaces; ++place) {
    for (Index k = s.k; k < padded_k; ++k) d[place * step + k] = 0;
  }
}

// sum [16, C, padded K] = the products of the transformed tiles [begin, end), summed.   writes sum
template <class T>
void sum_tiles(const T* x, const T* dy, T* sum, T* scratch, Index begin, Index end, const WinogradSizes& s) {
  constexpr Index kTiles = kWinogradGradientTiles, kPanel = kPanelVectors * kLanes<T>;
  const Tiles tiles(s);
  const Index padded_k = padded_channels<T>(s.k);
  const Index v_step = kTiles * s.c, d_step = kTiles * padded_k;
  T* const v = scratch;
  T* const d = v + kWinogradPlaces * v_step;
  // Zeros for pixels of x and of dy that there are not.
  T* const zeros = d + kWinogradPlaces * d_step;
  for (Index c = 0; c < (s.c > s.k ? s.c : s.k); ++c) zeros[c] = 0;
  TilePlace place(tiles, begin);
  for (Index block = begin; block < end; block += kTiles) {
    const Index count = min_of(kTiles, end - block);
    for (Index t = 0; t < count; ++t, place.advance(s)) {
      transform_patch(x, zeros, v + t * s.c, v_step, place, s);
      transform_gradient(dy, zeros, d + t * padded_k, d_step, padded_k, place, s);
    }
    for (Index p = 0; p < kWinogradPlaces; ++p) {
      for (Index first = 0; first < s.k; first += kPanel) {
        const Index vectors = ceil_div(min_of(kPanel, s.k - first), kLanes<T>);
        for_tiles(s.c, [&](Index channel, Index channels) {
          run_tile<GemmTile<T>>(channels, vectors,
                                GemmTile<T>{.a = v + p * v_step + channel,
                                            .a_row = 1,
                                            .a_step = s.c,
                                            .b = d + p * d_step + first,
                                            .b_step = padded_k,
                                            .y = sum + (p * s.c + channel) * padded_k + first,
                                            .y_row = padded_k,
                                            .bias = nullptr,
                                            .columns = vectors * kLanes<T>,
                                            .depth = count,
                                            .first = block == begin,
                                            .relu = false});
        });
      }
    }
  }
}

// dweight[:, :, channel, :] += G^T m G with m the sum of all parts.
template <class T>
void add_channel(const T* parts, Index num_parts, T* dweight, Index channel, const WinogradSizes& s) {
  const Index padded_k = padded_channels<T>(s.k);
  for_channels<T>(s.k, [&]<class P>(Index k) {
    P m[4][4];
    for (int place = 0; place < kWinogradPlaces; ++place) {
      P sum{};
      for (Index part = 0; part < num_parts; ++part) {
        sum += load_as<P>(parts + ((part * kWinogradPlaces + place) * s.c + channel) * padded_k + k);
      }
      m[place / 4][place % 4] = sum;
    }
    constexpr auto kHalf = 0.5F;
    P rows[3][4];
    for (int q = 0; q < 4; ++q) {
      rows[0][q] = m[0][q] + (m[1][q] + m[2][q]) * kHalf;
      rows[1][q] = (m[1][q] - m[2][q]) * kHalf;
      rows[2][q] = (m[1][q] + m[2][q]) * kHalf + m[3][q];
    }
    for (int r = 0; r < 3; ++r) {
      T* out = dweight + (r * 3 * s.c + channel) * s.k + k;
      const P ends = (rows[r][1] + rows[r][2]) * kHalf;
      store_as<P>(out, load_as<P>(out) + (rows[r][0] + ends));
      out += s.c * s.k;
      store_as<P>(out, load_as<P>(out) + (rows[r][1] - rows[r][2]) * kHalf);
      out += s.c * s.k;
      store_as<P>(out, load_as<P>(out) + (ends + rows[r][3]));
    }
  });
}

template <class T>
void winograd_weight_grad_kernel(const T* x, const T* dy, T* parts, T* scratch, int threads, T* dweight,
                                 const WinogradSizes& s) {
  const Index num_parts = winograd_parts(s.n), images = num_parts == 0 ? 0 : ceil_div(s.n, num_parts);
  const Index of_image = Tiles(s).of_image;
  const Index elements = kWinogradPlaces * s.c * padded_channels<T>(s.k);
  const double work = 4.0 * static_cast<double>(s.n * of_image) * static_cast<double>(s.c * s.k);
  for_chunks(num_parts, 1, work, threads, [&](Index part, Index, Index) {
    T* const own = scratch + loop_slot() * winograd_scratch<T>(kWinogradGradientTiles, s.c, s.k);
    sum_tiles(x, dy, parts + part * elements, own, part * images * of_image,
              min_of((part + 1) * images, s.n) * of_image, s);
  });
  for_chunks(s.c, 4, static_cast<double>(num_parts * elements), [&](Index begin, Index end, Index) {
    for (Index channel = begin; channel < end; ++channel) add_channel(parts, num_parts, dweight, channel, s);
  });
}

}  // namespace

const Entry<WinogradWeightGradKernel> winograd_weight_grad = {winograd_weight_grad_kernel<float>,
                                                              winograd_weight_grad_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
