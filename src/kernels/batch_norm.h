// Statistics of the columns of [rows, channels], and what Batch Normalization does with them.
//
// Sums over rows are taken in chunks of rows that stay in a processor's own cache, each chunk's in T
// (statistics: in double where T overflows) and all of them together in double, in order. `partial` is room
// for batch_norm_partials(rows, channels) doubles.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

// Rows of numbers of the channels are this much longer than there are channels: the kernels repeat the first
// numbers behind the last, so that vectors may begin at any channel.
inline constexpr Index kBatchNormPad = 16;

// A multiple of 64 rows is a whole number of vectors of each channel, of any number of channels.
inline Index batch_norm_chunk_rows(Index channels) {
  constexpr Index kElements = 16384, kUnit = 64;
  const Index units = kElements / kUnit / channels;
  return kUnit * (units > 0 ? units : 1);
}
// Three numbers a channel and chunk.
inline Index batch_norm_partials(Index rows, Index channels) {
  const Index chunk = batch_norm_chunk_rows(channels);
  return 3 * (channels + kBatchNormPad) * ((rows + chunk - 1) / chunk);
}

// mean = sum x / rows, variance = sum (x - mean)^2 / rows (biased), each channel.  rows >= 1.
// writes mean, variance
template <class T>
using ColumnStatisticsKernel = void(const T* x, double* partial, double* mean, double* variance, Index rows,
                                    Index channels);
KEEL_KERNEL(column_statistics, ColumnStatisticsKernel);

// What is done to a channel: y = (x - centre) * scale + shift and xhat = (x - centre) * inverse_deviation +
// correction. The centre is the mean rounded to T; what rounding took off is in shift and correction, so
// nothing is lost when the mean is large against the deviation.
template <class T>
struct ChannelMaps {
  T* centre;  // each [channels + kBatchNormPad]
  T* scale;
  T* shift;
  T* inverse_deviation;
  T* correction;
};

// From mean, variance, gamma, beta (null: 1 and 0).  writes the maps
template <class T>
using ChannelMapsKernel = void(const double* mean, const double* variance, const T* gamma, const T* beta,
                               double epsilon, ChannelMaps<T> maps, Index channels);
KEEL_KERNEL(channel_maps, ChannelMapsKernel);

// y = (x - centre) * scale + shift, or of that max(y, 0) if relu, where NaN stays NaN.  writes y
template <class T>
using NormalizeKernel = void(const T* x, ChannelMaps<T> maps, bool relu, T* y, Index rows, Index channels);
KEEL_KERNEL(normalize, NormalizeKernel);

// In the gradients, d is dy, or dy * [y > 0] if relu, where y is computed anew.

// What the sums over a batch are needed for:
//   dx = scale * (d + (x - centre) * slope + offset) = scale * (d - mean(d) - xhat * mean(d * xhat))
template <class T>
struct BatchNormTerms {
  T* sum_d;  // [channels]
  T* sum_d_xhat;
  T* slope;  // [channels + kBatchNormPad]
  T* offset;
};

// rows >= 1.  writes partial and the terms
template <class T>
using BatchNormSumsKernel = void(const T* x, const T* dy, ChannelMaps<T> maps, bool relu, double* partial,
                                 BatchNormTerms<T> terms, Index rows, Index channels);
KEEL_KERNEL(batch_norm_sums, BatchNormSumsKernel);

// dx = scale * (d + (x - centre) * slope + offset); the sums are not read.  writes dx
template <class T>
using BatchNormGradientKernel = void(const T* x, const T* dy, ChannelMaps<T> maps, bool relu,
                                     BatchNormTerms<T> terms, T* dx, Index rows, Index channels);
KEEL_KERNEL(batch_norm_gradient, BatchNormGradientKernel);

}  // namespace keel::kernels
