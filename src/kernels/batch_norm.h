// Statistics of the columns of [rows, channels], and what Batch Normalization does with them.
//
// Sums over rows are taken in chunks of kBatchNormRows rows, each chunk's in T (statistics: in double where T
// overflows) and all of them together in double, in order. `partial` is room for batch_norm_partials(rows,
// channels) doubles.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

inline constexpr Index kBatchNormRows = 256;
inline Index batch_norm_partials(Index rows, Index channels) {
  // Two sums a channel and chunk, and one a channel more.
  return channels * (2 * ((rows + kBatchNormRows - 1) / kBatchNormRows) + 1);
}

// mean = sum x / rows, variance = sum (x - mean)^2 / rows (biased), each channel.  rows >= 1.  writes mean,
// variance
template <class T>
using ColumnStatisticsKernel = void(const T* x, double* partial, double* mean, double* variance, Index rows,
                                    Index channels);
KEEL_KERNEL(column_statistics, ColumnStatisticsKernel);

// How a channel is normalised: y = (x - centre) * scale + shift. The centre is the mean rounded to T; what
// rounding took off is in shift, so nothing is lost when the mean is large against the deviation.
template <class T>
struct ChannelMaps {
  T* centre;  // each [channels]
  T* scale;
  T* shift;
};

// From mean, variance, gamma, beta (null: 1 and 0).  writes the maps
template <class T>
using ChannelMapsKernel = void(const double* mean, const double* variance, const T* gamma, const T* beta,
                               double epsilon, ChannelMaps<T> maps, Index channels);
KEEL_KERNEL(channel_maps, ChannelMapsKernel);

// y = (x - centre) * scale + shift.  writes y
template <class T>
using NormalizeKernel = void(const T* x, ChannelMaps<T> maps, T* y, Index rows, Index channels);
KEEL_KERNEL(normalize, NormalizeKernel);

// sum_dy = sum of dy, sum_dy_xhat = sum of dy * xhat, each channel, where xhat = (x - centre) * scale + shift
// with the maps of gamma = 1 and beta = 0.  writes both
template <class T>
using BatchNormSumsKernel = void(const T* x, const T* dy, ChannelMaps<T> xhat, double* partial,
                                 double* sum_dy, double* sum_dy_xhat, Index rows, Index channels);
KEEL_KERNEL(batch_norm_sums, BatchNormSumsKernel);

// dx += factor * (dy - a - xhat * b) with one factor, a and b a channel.  adds
template <class T>
struct BatchNormGradient {
  const T* factor;  // each [channels]
  const T* a;
  const T* b;
};
template <class T>
using BatchNormGradientKernel = void(const T* x, const T* dy, ChannelMaps<T> xhat,
                                     BatchNormGradient<T> gradient, T* dx, Index rows, Index channels);
KEEL_KERNEL(batch_norm_gradient, BatchNormGradientKernel);

}  // namespace keel::kernels
