// Losses: scalars to minimise.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// Mean over the batch of -log softmax(logits)[label], from logits directly (no softmax before it: log-sum-exp
// does not overflow, and the gradient is exact where a probability rounds to 0 or 1).
//   shapes:   logits [N,K], labels int32 [N] with values in [0, K) -> scalar
//   gradient: logits, dlogits += dy (softmax(logits) - onehot(labels)) / N
//   throws:   ShapeError; DTypeError; ValueError naming the first label out of range and its place
Variable softmax_cross_entropy(const Variable& logits, const Tensor& labels);

// Mean over all elements of (prediction - target)^2.
//   shapes:   equal -> scalar
//   gradient: prediction and target, dprediction += dy 2 (prediction - target) / n
//   throws:   ShapeError (shapes do not broadcast here: a silently stretched target is a classic error);
//   DTypeError
Variable mean_squared_error(const Variable& prediction, const Variable& target);

}  // namespace keel
