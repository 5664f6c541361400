// Normalisation of each example by itself: Group Normalization (Wu & He, arXiv:1803.08494, section 3.1),
// Layer Normalization (Ba, Kiros & Hinton, arXiv:1607.06450, section 3) and, without the mean, RMS
// normalisation (Zhang & Sennrich, arXiv:1910.07467, equation 4). An example's result never depends on its
// batch.
//
// The last axis holds the channels. Over a set of values of one example,
//   mean = sum x / size                                variance = sum (x - mean)^2 / size
//   xhat = (x - mean) / sqrt(variance + epsilon)       y = gamma xhat + beta
// If the mean is not subtracted, it counts as 0 throughout: xhat = x / sqrt(sum x^2 / size + epsilon).
// As in batch_norm(), sums are taken around a number near the mean, so a mean of 1e4 and a deviation of 0.1
// normalise correctly and constant values give exactly beta (without the mean: their sign, nearly).
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

struct GroupNormSettings {
  Index groups = 1;
  double epsilon = 1e-5;
  bool subtract_mean = true;
};

// A set is a group of C / groups neighbouring channels at all positions of an example. With C groups it is
// Instance Normalization (Ulyanov, Vedaldi & Lempitsky, arXiv:1607.08022).
//   shapes:   x [N,...,C], gamma and beta [C] or undefined (1 and 0) -> as x
//   gradient: with d = gamma dy: dx += (d - mean(d) - xhat mean(d xhat)) / sqrt(variance + epsilon), without
//             mean(d) if the mean is not subtracted; dgamma += sum dy xhat, dbeta += sum dy over all
//             examples and positions
//   throws:   ShapeError with both shapes; DTypeError; ValueError unless groups divides C, epsilon is finite
//             and above 0 in x's type, and, if the mean is subtracted, a set has more than one value: the
//             result would be beta whatever x
Variable group_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const GroupNormSettings& options = {});

struct LayerNormSettings {
  int axes = 1;  // how many of the last axes a set takes up
  double epsilon = 1e-5;
  bool subtract_mean = true;
};

// A set is all values of the last axes.
//   shapes:   x [...,S], gamma and beta of the shape S of the last axes, or undefined -> as x
//   gradient: as above; gamma and beta have one element for each of a set
//   throws:   as above, and ShapeError unless 1 <= axes <= the rank of x
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const LayerNormSettings& options = {});

}  // namespace keel
