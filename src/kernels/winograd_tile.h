// The transforms of Winograd's convolution (winograd.h), and where a tile's pixels are.
#pragma once

#include "kernels/gemm_tile.h"
#include "kernels/winograd.h"

namespace keel::kernels {
namespace {

// The transforms work on one vector of channels, or, for what a last vector lacks, on one channel: P is
// Vector<T> or T.
template <class P, class T>
inline __attribute__((always_inline)) P load_as(const T* p) {
  if constexpr (sizeof(P) == sizeof(T)) {
    return *p;
  } else {
    return load(p);
  }
}
template <class P, class T>
inline __attribute__((always_inline)) void store_as(T* p, P value) {
  if constexpr (sizeof(P) == sizeof(T)) {
    *p = value;
  } else {
    store(p, value);
  }
}

// f.template operator()<P>(channel) for all channels.
template <class T, class F>
inline __attribute__((always_inline)) void for_channels(Index channels, const F& f) {
  Index c = 0;
  for (; c + kLanes<T> <= channels; c += kLanes<T>) f.template operator()<Vector<T>>(c);
  for (; c < channels; ++c) f.template operator()<T>(c);
}

// Four values to four, by B^T.
template <class P>
inline __attribute__((always_inline)) void input_transform(P& d0, P& d1, P& d2, P& d3) {
  const P t1 = d1 + d2, t2 = d2 - d1;
  d0 = d0 - d2;
  d3 = d1 - d3;
  d1 = t1;
  d2 = t2;
}

// The tiles of all images, in order.
struct Tiles {
  Index across, of_image;

  explicit Tiles(const WinogradSizes& s) : across((s.ow + 1) / 2), of_image((s.oh + 1) / 2 * across) {}
};

// A tile, by its first output pixel, that can be moved to the next one.
struct TilePlace {
  Index image, i, j;

  TilePlace(const Tiles& tiles, Index tile)
      : image(tile / tiles.of_image),
        i(tile % tiles.of_image / tiles.across * 2),
        j(tile % tiles.across * 2) {}

  void advance(const WinogradSizes& s) {
    j += 2;
    if (j < s.ow) return;
    j = 0;
    i += 2;
    if (i < s.oh) return;
    i = 0;
    ++image;
  }
};

// v[place * step + channel] = (B^T x B)[place], with x given by pixel(r, q), where its channels are.
template <class T, class Pixel>
inline __attribute__((always_inline)) void transform_pixels(const Pixel& pixel, T* v, Index step,
                                                            Index channels) {
  for_channels<T>(channels, [&]<class P>(Index c) {
    P d[4][4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) d[r][q] = load_as<P>(pixel(r, q) + c);
      input_transform(d[r][0], d[r][1], d[r][2], d[r][3]);
    }
    T* out = v + c;
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) input_transform(d[0][q], d[1][q], d[2][q], d[3][q]);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q, out += step) store_as<P>(out, d[r][q]);
    }
  });
}

// The same for the patch of a tile.
template <class T>
inline void transform_patch(const T* x, const T* zeros, T* v, Index step, const TilePlace& tile,
                            const WinogradSizes& s) {
  const Index top = tile.i - s.pad_h, left = tile.j - s.pad_w;
  const T* const image = x + tile.image * s.h * s.w * s.c;
  if (top >= 0 && left >= 0 && top + 4 <= s.h && left + 4 <= s.w) {
    const T* const rows[4] = {image + (top * s.w + left) * s.c, image + ((top + 1) * s.w + left) * s.c,
                              image + ((top + 2) * s.w + left) * s.c, image + ((top + 3) * s.w + left) * s.c};
    transform_pixels([&](int r, int q) { return rows[r] + q * s.c; }, v, step, s.c);
    return;
  }
  const T* pixels[4][4];
  for (Index r = 0; r < 4; ++r) {
    for (Index q = 0; q < 4; ++q) {
      const Index i = top + r, j = left + q;
      const bool inside = i >= 0 && i < s.h && j >= 0 && j < s.w;
      pixels[r][q] = inside ? image + (i * s.w + j) * s.c : zeros;
    }
  }
  transform_pixels([&](int r, int q) { return pixels[r][q]; }, v, step, s.c);
}

}  // namespace
}  // namespace keel::kernels
