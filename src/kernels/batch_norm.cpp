#include "kernels/batch_norm.h"

#include <cmath>

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kColumns = 64;  // channels summed side by side in registers

// Sums of two values a row and channel: f(row, channel, a, b) sets them. writes first and second [channels]
template <class T, class F>
void sum_columns(Index rows, Index channels, double* partial, double* first, double* second, const F& f) {
  const Index chunks = num_chunks(rows, kBatchNormRows);
  for_chunks(rows, kBatchNormRows, static_cast<double>(rows * channels),
             [&](Index begin, Index end, Index chunk) {
               double* out = partial + 2 * chunk * channels;
               for (Index c0 = 0; c0 < channels; c0 += kColumns) {
                 const Index width = channels - c0 < kColumns ? channels - c0 : kColumns;
                 T sums_a[kColumns] = {}, sums_b[kColumns] = {};
                 for (Index r = begin; r < end; ++r) {
                   for (Index c = 0; c < width; ++c) {
                     T a, b;
                     f(r, c0 + c, a, b);
                     sums_a[c] += a;
                     sums_b[c] += b;
                   }
                 }
                 for (Index c = 0; c < width; ++c) {
                   out[c0 + c] = static_cast<double>(sums_a[c]);
                   out[channels + c0 + c] = static_cast<double>(sums_b[c]);
                 }
               }
             });
  for (Index c = 0; c < channels; ++c) first[c] = second[c] = 0;
  for (Index chunk = 0; chunk < chunks; ++chunk) {
    const double* sums = partial + 2 * chunk * channels;
    for (Index c = 0; c < channels; ++c) {
      first[c] += sums[c];
      second[c] += sums[channels + c];
    }
  }
}

// Two passes. Both subtract a number near the mean first, which is exact for values of like size, so neither
// the mean nor the variance suffers from an offset; and a constant channel has differences of exactly 0.
// Chunks are summed in S.
template <class S, class T>
void column_statistics_in(const T* x, double* partial, double* mean, double* variance, Index rows,
                          Index channels) {
  const double n = static_cast<double>(rows);
  // First pass, around the first row.
  sum_columns<S>(rows, channels, partial, mean, variance, [=](Index r, Index c, S& a, S& b) {
    a = static_cast<S>(x[r * channels + c]) - static_cast<S>(x[c]);
    b = 0;
  });
  for (Index c = 0; c < channels; ++c) mean[c] = static_cast<double>(x[c]) + mean[c] / n;
  // Second pass, around the mean rounded to T: sum d^2 - (sum d)^2 / n, where sum d is next to nothing.
  double* sum = partial + batch_norm_partials(rows, channels) - channels;
  sum_columns<S>(rows, channels, partial, sum, variance, [=](Index r, Index c, S& a, S& b) {
    a = static_cast<S>(x[r * channels + c]) - static_cast<S>(static_cast<T>(mean[c]));
    b = a * a;
  });
  for (Index c = 0; c < channels; ++c) {
    const double centre = static_cast<double>(static_cast<T>(mean[c]));
    mean[c] = centre + sum[c] / n;
    const double squares = variance[c] - sum[c] * sum[c] / n;
    variance[c] = squares < 0 ? 0 : squares / n;  // NaN stays NaN
  }
}

template <class T>
void column_statistics_kernel(const T* x, double* partial, double* mean, double* variance, Index rows,
                              Index channels) {
  column_statistics_in<T>(x, partial, mean, variance, rows, channels);
  if (sizeof(T) == sizeof(double)) return;
  // Squares and sums may overflow float, though rarely; they cannot overflow double.
  bool overflow = false;
  for (Index c = 0; c < channels; ++c) overflow |= !std::isfinite(variance[c]);
  if (overflow) column_statistics_in<double>(x, partial, mean, variance, rows, channels);
}

template <class T>
void channel_maps_kernel(const double* mean, const double* variance, const T* gamma, const T* beta,
                         double epsilon, ChannelMaps<T> maps, Index channels) {
  for (Index c = 0; c < channels; ++c) {
    const double scale = (gamma ? static_cast<double>(gamma[c]) : 1) / std::sqrt(variance[c] + epsilon);
    maps.centre[c] = static_cast<T>(mean[c]);
    maps.scale[c] = static_cast<T>(scale);
    maps.shift[c] = static_cast<T>((beta ? static_cast<double>(beta[c]) : 0) -
                                   (mean[c] - static_cast<double>(maps.centre[c])) * scale);
  }
}

template <class F>
void over_rows(Index rows, Index channels, const F& f) {
  const Index chunk = channels >= 16384 ? 1 : 16384 / channels;
  for_chunks(rows, chunk, static_cast<double>(rows * channels), [&](Index begin, Index end, Index) {
    for (Index r = begin; r < end; ++r) f(r * channels);
  });
}

template <class T>
void normalize_kernel(const T* x, ChannelMaps<T> maps, T* y, Index rows, Index channels) {
  over_rows(rows, channels, [=](Index at) {
    for (Index c = 0; c < channels; ++c) {
      y[at + c] = (x[at + c] - maps.centre[c]) * maps.scale[c] + maps.shift[c];
    }
  });
}

template <class T>
void batch_norm_sums_kernel(const T* x, const T* dy, ChannelMaps<T> xhat, double* partial, double* sum_dy,
                            double* sum_dy_xhat, Index rows, Index channels) {
  sum_columns<T>(rows, channels, partial, sum_dy, sum_dy_xhat, [=](Index r, Index c, T& a, T& b) {
    const Index i = r * channels + c;
    a = dy[i];
    b = dy[i] * ((x[i] - xhat.centre[c]) * xhat.scale[c] + xhat.shift[c]);
  });
}

template <class T>
void batch_norm_gradient_kernel(const T* x, const T* dy, ChannelMaps<T> xhat, BatchNormGradient<T> gradient,
                                T* dx, Index rows, Index channels) {
  over_rows(rows, channels, [=](Index at) {
    for (Index c = 0; c < channels; ++c) {
      const T h = (x[at + c] - xhat.centre[c]) * xhat.scale[c] + xhat.shift[c];
      dx[at + c] += gradient.factor[c] * (dy[at + c] - gradient.a[c] - h * gradient.b[c]);
    }
  });
}

}  // namespace

const Entry<ColumnStatisticsKernel> column_statistics = {column_statistics_kernel<float>,
                                                         column_statistics_kernel<double>};
const Entry<ChannelMapsKernel> channel_maps = {channel_maps_kernel<float>, channel_maps_kernel<double>};
const Entry<NormalizeKernel> normalize = {normalize_kernel<float>, normalize_kernel<double>};
const Entry<BatchNormSumsKernel> batch_norm_sums = {batch_norm_sums_kernel<float>,
                                                    batch_norm_sums_kernel<double>};
const Entry<BatchNormGradientKernel> batch_norm_gradient = {batch_norm_gradient_kernel<float>,
                                                            batch_norm_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
