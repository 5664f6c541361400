// What both directions of normalising each example by itself take.
#pragma once

#include "kernels/batch_norm_chunk.h"
#include "kernels/group_norm.h"

namespace keel::kernels {
namespace {

// Sum of the elements, pair by pair.
template <class T>
inline __attribute__((always_inline)) double sum_of_lanes(Vector<T> v) {
  T lanes[kLanes<T>];
  store(lanes, v);
#pragma GCC unroll 8
  for (Index half = kLanes<T> / 2; half > 0; half /= 2) {
    for (Index i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return static_cast<double>(lanes[0]);
}

// Sums along a row, in as many lanes as hide the latency of an addition: in T over at most kLongestSum
// numbers a lane, in double over all of them.
template <class T>
struct RowSum {
  static constexpr int kVectors = 4;

  inline __attribute__((always_inline)) void flush() {
    before += sum_of_lanes<T>((parts[0] + parts[1]) + (parts[2] + parts[3]));
    for (Vector<T>& part : parts) part = Vector<T>{};
  }
  inline __attribute__((always_inline)) double total() {
    flush();
    return before;
  }

  Vector<T> parts[kVectors] = {};
  double before = 0;
};

// The rest of a row of at least a vector's elements, as the end of the vector that ends there.
template <class T>
struct RestOfRow : WholeVectors<T, 1> {
  explicit inline __attribute__((always_inline)) RestOfRow(Index elements) : back(kLanes<T> - elements) {
    T index[kLanes<T>];
    for (Index i = 0; i < kLanes<T>; ++i) index[i] = static_cast<T>(i);
    own = load(index) >= static_cast<T>(back);
  }
  inline __attribute__((always_inline)) Vector<T> get(const T* p, Vector<T> otherwise) const {
    return own ? load(p - back) : otherwise;
  }
  inline __attribute__((always_inline)) void put(T* p, Vector<T> v) const {
    store(p - back, own ? v : load(p - back));
  }
  Index back;
  decltype(Vector<T>{} >= Vector<T>{}) own;
};

// add_up(part, i, access) for all vectors of a row of n >= kLanes numbers; flush() where sums in T get long.
template <class T, class Add, class Flush>
inline __attribute__((always_inline)) void along_row(Index n, const Add& add_up, const Flush& flush) {
  constexpr int kVectors = RowSum<T>::kVectors;
  constexpr Index kPiece = kLongestSum * kVectors * kLanes<T>;
  Index i = 0;
  for (Index piece = 0; piece + kPiece <= n; piece += kPiece) {
    for (; i < piece + kPiece; i += kVectors * kLanes<T>) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) add_up(v, i + v * kLanes<T>, WholeVectors<T, 1>());
    }
    flush();
  }
  for (; i + kVectors * kLanes<T> <= n; i += kVectors * kLanes<T>) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) add_up(v, i + v * kLanes<T>, WholeVectors<T, 1>());
  }
  for (; i + kLanes<T> <= n; i += kLanes<T>) add_up(0, i, WholeVectors<T, 1>());
  if (i < n) add_up(1, i, RestOfRow<T>(n - i));
}

// f(i, access) for all vectors of such a row.
template <class T, class F>
inline __attribute__((always_inline)) void over_row(Index n, const F& f) {
  Index i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) f(i, WholeVectors<T, 1>());
  if (i < n) f(i, RestOfRow<T>(n - i));
}

// xhat = (x - centre) * inverse_deviation + correction: see ChannelMaps.
template <class T>
struct RowMap {
  explicit RowMap(const double* statistics)
      : centre(static_cast<T>(statistics[0])),
        inverse_deviation(static_cast<T>(statistics[1])),
        correction(static_cast<T>((static_cast<double>(centre) - statistics[0]) * statistics[1])) {}
  inline __attribute__((always_inline)) Vector<T> operator()(Vector<T> x) const {
    return (x - centre) * inverse_deviation + correction;
  }
  T centre, inverse_deviation, correction;
};

// Whether a group is a row of numbers, side by side, that fills vectors.
template <class T>
inline bool is_row(const GroupNormSizes& s) {
  return s.positions == 1 && s.width >= kLanes<T>;
}

// Numbers of each channel, in a thread's room.
template <class T>
ChannelMaps<T> maps_in(T* numbers, Index channels) {
  const Index row = channels + kBatchNormPad;
  return {numbers, numbers + row, numbers + 2 * row, numbers + 3 * row, numbers + 4 * row};
}

// scale and shift are those of y = (x - centre) * scale + shift.
template <class T>
void expand(const double* statistics, const T* gamma, const T* beta, const ChannelMaps<T>& maps,
            const GroupNormSizes& s) {
  for (Index g = 0; g < s.groups; ++g) {
    const RowMap<T> map(statistics + 2 * g);
    const double lost = statistics[2 * g] - static_cast<double>(map.centre);
    for (Index c = g * s.width; c < (g + 1) * s.width; ++c) {
      const double scale = (gamma ? static_cast<double>(gamma[c]) : 1) * statistics[2 * g + 1];
      maps.centre[c] = map.centre;
      maps.scale[c] = static_cast<T>(scale);
      maps.shift[c] = static_cast<T>((beta ? static_cast<double>(beta[c]) : 0) - lost * scale);
      maps.inverse_deviation[c] = map.inverse_deviation;
      maps.correction[c] = map.correction;
    }
  }
  T* const all[] = {maps.centre, maps.scale, maps.shift, maps.inverse_deviation, maps.correction};
  for (T* values : all) repeat_first(values, s.groups * s.width);
}

// f(first example, examples, chunk, sums and numbers of the thread)
template <class T, class F>
void over_examples(const GroupNormSizes& s, const GroupNormRoom<T>& room, const F& f) {
  const double work = static_cast<double>(s.outer * s.positions) * static_cast<double>(s.groups * s.width);
  for_chunks(s.outer, group_norm_chunk(s), work, room.threads, [&](Index begin, Index end, Index chunk) {
    const Index at = loop_slot() * group_norm_room(s);
    f(begin, end - begin, chunk, room.sums + at, room.numbers + 2 * at);
  });
}

}  // namespace
}  // namespace keel::kernels
