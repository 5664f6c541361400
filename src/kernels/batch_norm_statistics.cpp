#include <cmath>

#include "kernels/batch_norm_columns.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// What a chunk of rows leaves behind, each [channels + kBatchNormPad].
struct ChunkStatistics {
  double* mean;
  double* squares;  // sum (x - mean)^2
  double* sum;      // used on the way
};
ChunkStatistics chunk_in(double* partial, Index chunk, Index channels) {
  const Index row = channels + kBatchNormPad;
  double* const begin = partial + 3 * chunk * row;
  return {begin, begin + row, begin + 2 * row};
}

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

// Of all chunks together (Chan, Golub & LeVeque, 1979): around the mean of the first chunk, where each adds
// its own squares and those of the distance of its mean.
void combine(double* partial, double* mean, double* variance, Index rows, Index channels) {
  const Index chunk_rows = batch_norm_chunk_rows(channels), chunks = num_chunks(rows, chunk_rows);
  const double n = static_cast<double>(rows);
  const double* const centre = chunk_in(partial, 0, channels).mean;
  for (Index c = 0; c < channels; ++c) mean[c] = variance[c] = 0;
  for (Index chunk = 0; chunk < chunks; ++chunk) {
    const ChunkStatistics part = chunk_in(partial, chunk, channels);
    const double size = static_cast<double>(chunk + 1 < chunks ? chunk_rows : rows - chunk * chunk_rows);
    for (Index c = 0; c < channels; ++c) {
      const double distance = part.mean[c] - centre[c];
      mean[c] += size * distance;
      variance[c] += part.squares[c] + size * distance * distance;
    }
  }
  for (Index c = 0; c < channels; ++c) {
    const double distance = mean[c] / n, squares = variance[c] - mean[c] * distance;
    mean[c] = centre[c] + distance;
    variance[c] = squares < 0 ? 0 : squares / n;
  }
}

template <class T, bool kWide>
void statistics(const T* x, double* partial, double* mean, double* variance, Index rows, Index channels) {
  over_chunks(rows, channels, [&](Index begin, Index n, Index chunk) {
    chunk_statistics<T, kWide>(x + begin, chunk_in(partial, chunk, channels), n, channels);
  });
  combine(partial, mean, variance, rows, channels);
}

template <class T>
void column_statistics_kernel(const T* x, double* partial, double* mean, double* variance, Index rows,
                              Index channels) {
  statistics<T, false>(x, partial, mean, variance, rows, channels);
  if (sizeof(T) == sizeof(double)) return;
  // Squares and sums may overflow float, though rarely; they cannot overflow double.
  bool overflow = false;
  for (Index c = 0; c < channels; ++c) overflow |= !std::isfinite(variance[c]);
  if (overflow) statistics<T, true>(x, partial, mean, variance, rows, channels);
}

}  // namespace

const Entry<ColumnStatisticsKernel> column_statistics = {column_statistics_kernel<float>,
                                                         column_statistics_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
