// What operations have in common that normalise channels by a mean and a variance, wherever those are from.
// `operation` is for messages.
#pragma once

#include <functional>
#include <optional>

#include "keel/ops/batch_norm.h"
#include "ops/row_mask.h"

namespace keel {

// throws: ShapeError unless x is [...,C] with at least two axes and one channel
void check_channels(const char* operation, const Shape& x);
// Statistics that were not made from x, in float64.
//   throws: ShapeError unless they are [C]; ValueError naming a channel whose variance is negative, or NaN
//           unless that passes
BatchStatistics given_statistics(const char* operation, const Shape& x, const BatchStatistics& given,
                                 bool nan_passes = false);

// Of each channel, [C] in float64: dx = scale (d + (x - centre) slope + offset), where d is the
// gradient of y in front of the activation, scale = gamma / sqrt(variance + epsilon), and centre the mean as
// an element of x.
struct StatisticsTerms {
  Tensor slope;
  Tensor offset;
};
// How a gradient goes through statistics: the terms, from the sums of d and of d xhat over the rows.
using StatisticsGradient =
    std::function<StatisticsTerms(const Tensor& sum_d, const Tensor& sum_d_xhat, Index rows)>;

struct ChannelNormOptions {
  double epsilon;
  Activation activation = Activation::none;
  // The statistics are x's own: of the rows of the mask, if there is one.
  bool of_x = false;
  std::optional<RowMask> mask = {};
  StatisticsGradient through_statistics = {};  // other than that of x's own, or none
};

// y = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta) for checked operands; the statistics in
// float64. Its kernels are those of batch_norm().
Variable channel_norm(const char* operation, const Variable& x, const Variable& gamma, const Variable& beta,
                      const BatchStatistics& statistics, const ChannelNormOptions& options);

}  // namespace keel
