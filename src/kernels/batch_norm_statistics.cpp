#include <cmath>

#include "kernels/batch_norm_chunk.h"

namespace keel::kernels::KEEL_ISA {
namespace {

ChunkStatistics chunk_in(double* partial, Index chunk, Index channels) {
  const Index row = channels + kBatchNormPad;
  double* const begin = partial + 3 * chunk * row;
  return {begin, begin + row, begin + 2 * row};
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
