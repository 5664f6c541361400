// How the kernels of Batch Normalization walk over rows of channels.
#pragma once

#include <type_traits>

#include "kernels/batch_norm.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace keel::kernels {
namespace {

// Up to six numbers of each channel stay in registers, beside what is worked on.
inline constexpr int kBlockVectors = kVectorRegisters / 8;

// Whole vectors, side by side.
template <class T, int kCount>
struct WholeVectors {
  static constexpr int kVectors = kCount;
  static inline Index offset(int v) { return v * kLanes<T>; }
  static inline __attribute__((always_inline)) Vector<T> get(const T* p, Vector<T>) { return load(p); }
  static inline __attribute__((always_inline)) void put(T* p, Vector<T> v) { store(p, v); }
  static inline __attribute__((always_inline)) Vector<T> own(int, Vector<T> sum) { return sum; }
};
// The last elements of a row, of any number that needs kCount vectors: the last vector overlaps with the one
// before. What both hold is written twice, but summed once.
template <class T, int kCount>
struct EndOfRow : WholeVectors<T, kCount> {
  explicit EndOfRow(Index n) : elements(n) {}
  inline __attribute__((always_inline)) Index offset(int v) const {
    return v + 1 < kCount ? v * kLanes<T> : elements - kLanes<T>;
  }
  inline __attribute__((always_inline)) Vector<T> own(int v, Vector<T> sum) const {
    if (v + 1 < kCount) return sum;
    T lanes[kLanes<T>];
    store(lanes, sum);
    for (Index i = 0; i < kCount * kLanes<T> - elements; ++i) lanes[i] = 0;
    return load(lanes);
  }
  Index elements;
};
// The first elements of a vector; the others are read as `rest`, and not written.
template <class T>
struct PartOfVector : WholeVectors<T, 1> {
  explicit PartOfVector(Index n) : elements(n) {}
  inline __attribute__((always_inline)) Vector<T> get(const T* p, Vector<T> rest) const {
    T lanes[kLanes<T>];
    store(lanes, rest);
    for (Index i = 0; i < elements; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  inline __attribute__((always_inline)) void put(T* p, Vector<T> v) const {
    T lanes[kLanes<T>];
    store(lanes, v);
    for (Index i = 0; i < elements; ++i) p[i] = lanes[i];
  }
  Index elements;
};

// Sums in T are of at most this many numbers: their rounding errors grow with it.
inline constexpr Index kLongestSum = 256;

template <class Access, class Body>
inline __attribute__((always_inline)) void in_pieces(const Access& access, Index position, Index step,
                                                     Index count, const Body& body) {
  for (; count > 0; count -= kLongestSum, position += kLongestSum * step) {
    body(access, position, step, count < kLongestSum ? count : kLongestSum);
  }
}

template <class T, int kCount, class Body>
inline __attribute__((always_inline)) void end_of_row(Index elements, Index position, Index step, Index count,
                                                      const Body& body) {
  if (elements <= kCount * kLanes<T>)
    return in_pieces(EndOfRow<T, kCount>(elements), position, step, count, body);
  if constexpr (kCount <= kBlockVectors) end_of_row<T, kCount + 1>(elements, position, step, count, body);
}

// Calls body(access, position, step, count) for pieces that make up the rows together: `count` groups of
// access.kVectors vectors that begin `step` apart, the first at `position`, all of them at the same channels.
// So the numbers that a channel brings along are loaded once for all of them and stay in registers, as sums
// over them do.
template <class T, class Body>
inline __attribute__((always_inline)) void over_columns(Index rows, Index channels, const Body& body) {
  constexpr Index kBlock = kBlockVectors * kLanes<T>;
  if (channels > kLanes<T> && channels % kLanes<T> != 0) {
    // The last piece has at least a vector's elements, so that it can overlap.
    Index c = 0;
    for (; c + kBlock + kLanes<T> <= channels; c += kBlock) {
      in_pieces(WholeVectors<T, kBlockVectors>(), c, channels, rows, body);
    }
    end_of_row<T, 1>(channels - c, c, channels, rows, body);
    return;
  }
  // Rows lie one behind the other: a run of elements, cut into blocks. After a period, a block begins at
  // channel 0 again.
  Index common = channels, other = kBlock;  // their greatest common divisor, by Euclid
  while (other != 0) {
    const Index rest = common % other;
    common = other;
    other = rest;
  }
  const Index n = rows * channels, period = channels / common * kBlock, periods = n / period;
  for (Index at = 0; at < period; at += kBlock) {
    in_pieces(WholeVectors<T, kBlockVectors>(), at, period, periods, body);
  }
  Index at = periods * period;
  for (; at + kLanes<T> <= n; at += kLanes<T>) body(WholeVectors<T, 1>(), at, period, Index(1));
  if (at < n) body(PartOfVector<T>(n - at), at, period, Index(1));
}

// Numbers of channels are kept with the first ones repeated behind the last, so that a vector that begins at
// any channel can be loaded, also where it holds several rows. Sums are taken in the same way.
inline Index channel_at(Index position, Index channels) {
  return position < channels ? position : position % channels;  // mostly without a division
}

// values[channels + i] = values[i mod channels] for i in [0, kBatchNormPad).  writes what is behind the last
template <class S>
inline void repeat_first(S* values, Index channels) {
  for (Index i = 0; i < kBatchNormPad; ++i) values[channels + i] = values[i];
}
// Adds up what belongs to one channel.  adds
inline void gather_repeated(double* sums, Index channels) {
  for (Index i = kBatchNormPad - 1; i >= 0; --i) sums[i] += sums[channels + i];
}

template <class T>
inline __attribute__((always_inline)) Vector<T> rounded(const double* values) {
  T lanes[kLanes<T>];
  for (Index i = 0; i < kLanes<T>; ++i) lanes[i] = static_cast<T>(values[i]);
  return load(lanes);
}

// sums += v.  adds
template <class T>
inline __attribute__((always_inline)) void add(Vector<T> v, double* sums) {
  T lanes[kLanes<T>];
  store(lanes, v);
  for (Index i = 0; i < kLanes<T>; ++i) sums[i] += static_cast<double>(lanes[i]);
}

// y before the activation. In one place, so that the gradient's mask is that of the values that went forward.
template <class T>
inline __attribute__((always_inline)) Vector<T> mapped(Vector<T> x, Vector<T> centre, Vector<T> scale,
                                                       Vector<T> shift) {
  return (x - centre) * scale + shift;
}

// f(begin, rows, chunk) for chunks of rows, where begin is the first element.
template <class F>
void over_chunks(Index rows, Index channels, const F& f) {
  for_chunks(rows, batch_norm_chunk_rows(channels), static_cast<double>(rows * channels),
             [&](Index begin, Index end, Index chunk) { f(begin * channels, end - begin, chunk); });
}

}  // namespace
}  // namespace keel::kernels
