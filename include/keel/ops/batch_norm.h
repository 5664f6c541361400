// Batch Normalization (Ioffe & Szegedy, arXiv:1502.03167v3, Algorithms 1 and 2).
//
// The last axis holds the channels; all others are rows: R = product of the other extents. So one function
// serves dense layers ([N,C]) and convolutional ones ([N,H,W,C], section 3.2) of any rank.
#pragma once

#include "keel/autograd/variable.h"
#include "keel/ops/activation.h"

namespace keel {

// Statistics of one batch, one value a channel, float32 or float64 like x. The variance is the biased one
// (over R); running statistics take the unbiased one, R / (R - 1) times that.
struct BatchStatistics {
  Tensor mean;
  Tensor variance;
};

struct BatchNormResult {
  Variable y;
  BatchStatistics statistics;
  Index rows;  // R, that the statistics are of
};

// Normalises with the statistics of the batch itself:
//   mean = sum x / R     variance = sum (x - mean)^2 / R     xhat = (x - mean) / sqrt(variance + epsilon)
//   y = activation(gamma xhat + beta)
// The variance is summed around the mean and the mean kept to more digits than the elements have, so a
// channel of mean 1e4 and deviation 0.1 normalises correctly and a constant channel gives exactly beta.
//   shapes:   x [...,C], gamma and beta [C] or undefined (1 and 0) -> y [...,C], statistics [C]
//   gradient: with dy in front of the activation and d = gamma dy:
//             dx += (d - mean(d) - xhat mean(d xhat)) / sqrt(variance + epsilon)
//             dgamma += sum dy xhat, dbeta += sum dy; none for the statistics
//   range:    differences of elements must be finite in x's type; their squares need not be, but a variance
//             above its largest number (3.4e38 in float32) is reported as infinity
//   throws:   ShapeError with both shapes; ValueError unless epsilon is finite and above 0 in x's type (at
//             least 1e-45 in float32), or if R = 0; DTypeError
BatchNormResult batch_norm(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon,
                           Activation activation = Activation::none);

// batch_norm() of a batch with padding: mean and variance are those of the rows that count, R their number.
// Rows that do not count are normalised like the others, as in Keras, whose `mask` this is.
//   shapes:   mask, of any element type, has the leading axes of x, any number of them but the channels:
//             [N] or [N,T] for x [N,T,C]; rows where it is 0 do not count
//   gradient: exact, so dy of all rows reaches gamma, beta and, by the statistics, the rows that count; for
//             others, dx += gamma dy / sqrt(variance + epsilon). Behind a loss that leaves the others out,
//             whose dy is 0 there, all gradients are those of the rows that count alone.
//   range:    elements of all rows must be finite
//   throws:   as above; also ShapeError if the mask does not fit, ValueError if no row counts
BatchNormResult masked_batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                                  const Tensor& mask, double epsilon,
                                  Activation activation = Activation::none);

// Mean and variance of each channel as batch_norm() finds them, in float64 whatever x is.
//   shapes: [...,C] -> [C], at least two axes
//   throws: ShapeError; ValueError if R = 0; DTypeError unless float32 or float64
BatchStatistics batch_statistics(const Tensor& x);
// batch_norm() for who needs the statistics first, to make gamma and beta of them: `of_x` must be
// batch_statistics(x.value()), and the gradient goes through them as above.
//   throws: as above; also ShapeError, DTypeError if `of_x` is not [C] in float64
Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const BatchStatistics& of_x, double epsilon, Activation activation = Activation::none);

// Normalises with given statistics: y = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta).
//   shapes:   as above; mean, variance [C], of any real type
//   gradient: dx += gamma dy / sqrt(variance + epsilon), dgamma and dbeta as above;
//             none for mean and variance
//   throws:   as above; also ValueError naming a channel whose variance is negative or NaN
Variable batch_norm_inference(const Variable& x, const Variable& gamma, const Variable& beta,
                              const BatchStatistics& statistics, double epsilon,
                              Activation activation = Activation::none);

}  // namespace keel
