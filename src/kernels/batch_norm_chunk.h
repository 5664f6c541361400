// What is done to a few rows of channels that one thread takes: statistics, normalisation and the sums for
// the gradient. Batch Normalization does it to chunks of a batch, Group Normalization to each example.
#pragma once

#include "kernels/batch_norm_columns.h"

namespace keel::kernels {
namespace {

// What a chunk of rows leaves behind, each [channels + kBatchNormPad].
struct ChunkStatistics {
  double* mean;
  double* squares;  // sum (x - mean)^2
  double* sum;      // used on the way
};
// sum = sum d, squares = sum d^2 (if wanted) where d = x - centre.
template <class T, bool kSquares>
void sum_differences(const T* x, const double* centre, double* sum, double* squares, Index rows,
                     Index channels) {
  for (Index c = 0; c < channels + kBatchNormPad; ++c) sum[c] = squares[c] = 0;
  over_columns<T>(rows, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> c[kVectors], total[kVectors] = {}, total_squares[kVectors] = {};
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      c[v] = rounded<T>(centre + channel_at(position + access.offset(v), channels));
    }
    const T* p = x + position;
    for (Index i = 0; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Vector<T> d = access.get(p + access.offset(v), c[v]) - c[v];
        total[v] += d;
        if constexpr (kSquares) total_squares[v] += d * d;
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      add<T>(access.own(v, total[v]), sum + at);
      if constexpr (kSquares) add<T>(access.own(v, total_squares[v]), squares + at);
    }
  });
  gather_repeated(sum, channels);
  if constexpr (kSquares) gather_repeated(squares, channels);
}

// The same, each step in double.
template <class T>
void sum_wide_differences(const T* x, const double* centre, double* sum, double* squares, Index rows,
                          Index channels) {
  for (Index c = 0; c < channels; ++c) sum[c] = squares[c] = 0;
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < channels; ++c) {
      const double d = static_cast<double>(x[r * channels + c]) - centre[c];
      sum[c] += d;
      squares[c] += d * d;
    }
  }
}

// Subtracts a number near the mean first, which is exact for values of like size, so neither the mean nor the
// variance suffers from an offset; and a constant channel has differences of exactly 0. The mean of some of
// the rows is near enough: its distance to the mean of all, squared, is at most the variance times the ratio
// of the numbers of rows, so what rounding does to sum d^2 - (sum d)^2 / n grows by 1 + kRowsForEachSampled
// at the very worst, and hardly at all if the first rows are like the others.
constexpr Index kRowsForEachSampled = 4;
template <class T, bool kWide>
void chunk_statistics(const T* x, const ChunkStatistics& out, Index rows, Index channels) {
  const Index sample = (rows + kRowsForEachSampled - 1) / kRowsForEachSampled;
  const double share = 1 / static_cast<double>(rows), share_of_sample = 1 / static_cast<double>(sample);
  for (Index c = 0; c < channels; ++c) out.mean[c] = static_cast<double>(x[c]);
  repeat_first(out.mean, channels);
  if constexpr (kWide) {
    sum_wide_differences(x, out.mean, out.sum, out.squares, sample, channels);
  } else {
    sum_differences<T, false>(x, out.mean, out.sum, out.squares, sample, channels);
  }
  for (Index c = 0; c < channels; ++c) {
    out.mean[c] = static_cast<double>(static_cast<T>(out.mean[c] + out.sum[c] * share_of_sample));
  }
  repeat_first(out.mean, channels);
  if constexpr (kWide) {
    sum_wide_differences(x, out.mean, out.sum, out.squares, rows, channels);
  } else {
    sum_differences<T, true>(x, out.mean, out.sum, out.squares, rows, channels);
  }
  for (Index c = 0; c < channels; ++c) {
    const double distance = out.sum[c] * share, squares = out.squares[c] - out.sum[c] * distance;
    out.mean[c] += distance;
    out.squares[c] = squares < 0 ? 0 : squares;  // NaN stays NaN
  }
}

template <class T, bool kRelu>
void normalize_chunk(const T* x, const ChannelMaps<T>& maps, T* y, Index rows, Index channels) {
  over_columns<T>(rows, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> centre[kVectors], scale[kVectors], shift[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      centre[v] = load(maps.centre + at);
      scale[v] = load(maps.scale + at);
      shift[v] = load(maps.shift + at);
    }
    for (Index i = 0, p = position; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p + access.offset(v);
        Vector<T> value = mapped<T>(access.get(x + at, centre[v]), centre[v], scale[v], shift[v]);
        if constexpr (kRelu) value = value < 0 ? Vector<T>{} : value;
        access.put(y + at, value);
      }
    }
  });
}

// sums: of d and of d * (x - centre) * inverse_deviation, each channel.  writes
template <class T, bool kRelu>
void sums_chunk(const T* x, const T* dy, const ChannelMaps<T>& maps, double* sums, Index rows,
                Index channels) {
  const Index row = channels + kBatchNormPad;
  double* const sums_xhat = sums + row;
  for (Index c = 0; c < 2 * row; ++c) sums[c] = 0;
  over_columns<T>(rows, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> centre[kVectors], scale[kVectors], shift[kVectors], inverse_deviation[kVectors];
    Vector<T> sum_d[kVectors] = {}, sum_d_xhat[kVectors] = {};
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      centre[v] = load(maps.centre + at);
      inverse_deviation[v] = load(maps.inverse_deviation + at);
      if constexpr (kRelu) {
        scale[v] = load(maps.scale + at);
        shift[v] = load(maps.shift + at);
      }
    }
    for (Index i = 0, p = position; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p + access.offset(v);
        const Vector<T> value = access.get(x + at, centre[v]);
        Vector<T> d = access.get(dy + at, Vector<T>{});
        if constexpr (kRelu) d = mapped<T>(value, centre[v], scale[v], shift[v]) > 0 ? d : Vector<T>{};
        sum_d[v] += d;
        sum_d_xhat[v] += d * ((value - centre[v]) * inverse_deviation[v]);
      }
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      add<T>(access.own(v, sum_d[v]), sums + at);
      add<T>(access.own(v, sum_d_xhat[v]), sums_xhat + at);
    }
  });
  gather_repeated(sums, channels);
  gather_repeated(sums_xhat, channels);
}

}  // namespace
}  // namespace keel::kernels
