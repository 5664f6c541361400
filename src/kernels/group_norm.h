// Normalisation of each example by itself: the statistics of each group of channels are taken over the group
// and all positions.
//
// Layer Normalization has one position and one group; Instance Normalization groups of one channel.
#pragma once

#include "kernels/batch_norm.h"

namespace keel::kernels {

// x [outer, positions, groups, width]; channels = groups * width.
struct GroupNormSizes {
  Index outer, positions, groups, width;
  bool subtract_mean;  // otherwise the mean counts as 0 and the mean square as variance
};

// Examples that are worked on in one go, in order. Their number depends on the sizes only.
inline Index group_norm_chunk(const GroupNormSizes& s) {
  constexpr Index kElements = 16384, kMostChunks = 32, kMost = 256;
  const Index size = s.positions * s.groups * s.width;
  Index chunk = kElements / (size > 0 ? size : 1), fewest = (s.outer + kMostChunks - 1) / kMostChunks;
  if (chunk < fewest) chunk = fewest;
  return chunk < 1 ? 1 : chunk > kMost ? kMost : chunk;
}

// Work space. At most `threads` threads work.
template <class T>
struct GroupNormRoom {
  double* sums;  // threads * group_norm_room(sizes)
  T* numbers;    // twice as many
  int threads;
};
inline Index group_norm_room(const GroupNormSizes& s) { return 3 * (s.groups * s.width + kBatchNormPad); }

// mean and 1 / sqrt(variance + epsilon) of each [outer, group], one behind the other, and
// y = gamma (x - mean) / sqrt(variance + epsilon) + beta.  positions, width >= 1.  writes statistics, y
//   gamma, beta   [channels], or null: 1 and 0
template <class T>
using GroupNormKernel = void(const T* x, const T* gamma, const T* beta, double epsilon, GroupNormRoom<T> room,
                             double* statistics, T* y, GroupNormSizes sizes);
KEEL_KERNEL(group_norm, GroupNormKernel);

// What group_norm_gradient writes; null for what is not wanted.
template <class T>
struct GroupNormGradients {
  T* dx;
  T* dgamma;  // [channels]; both or neither of these two
  T* dbeta;
};

// dx = (d - mean(d) - xhat mean(d xhat)) / sqrt(variance + epsilon) where d = gamma dy, without mean(d) if
// the mean is not subtracted; dgamma = sum dy xhat, dbeta = sum dy.  writes
//   partial   2 * channels for each chunk of group_norm_chunk() examples
template <class T>
using GroupNormGradientKernel = void(const T* x, const T* dy, const T* gamma, const double* statistics,
                                     GroupNormRoom<T> room, double* partial, GroupNormGradients<T> gradients,
                                     GroupNormSizes sizes);
KEEL_KERNEL(group_norm_gradient, GroupNormGradientKernel);

}  // namespace keel::kernels
