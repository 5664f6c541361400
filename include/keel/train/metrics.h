// How well a model does.
#pragma once

#include <functional>

#include "keel/core/error.h"
#include "keel/data/batches.h"
#include "keel/nn/module.h"

namespace keel::train {

// Sums over examples, so that batches of different sizes weigh as much as they hold.
class Metrics {
 public:
  Metrics() = default;
  // With what has been added so far; loss_sum is the sum over examples.
  //   throws: ValueError unless 0 <= correct <= examples and the sum is finite
  Metrics(double loss_sum, Index correct, Index examples);

  // The mean loss of a batch, its logits [N,K] and labels [N].
  void add(double loss, const Tensor& logits, const Tensor& labels);

  Index examples() const { return examples_; }
  Index correct() const { return correct_; }
  double loss_sum() const { return loss_sum_; }
  // Means over all examples so far; NaN before the first.
  double loss() const;
  double accuracy() const;  // the share of examples whose largest logit is their label's

 private:
  double loss_sum_ = 0;
  Index correct_ = 0;
  Index examples_ = 0;
};

// Whether somebody wants the work to end: asked between two batches.
using StopRequest = std::function<bool()>;

// What ends an evaluation that was asked to stop.
class Interrupted : public Error {
 public:
  using Error::Error;
};

// Is shown the logits [N,K] and the labels [N] of each batch, in order: a ConfusionMatrix
// (keel/train/confusion.h) counts them.
using BatchObserver = std::function<void(const Tensor& logits, const Tensor& labels)>;

// Loss (softmax cross-entropy) and accuracy over all batches of an epoch, in evaluation mode and without
// recording.
//   throws: NonFiniteLoss (keel/train/non_finite.h) with the layer where it first appeared; Interrupted
Metrics evaluate(nn::Module& model, const data::Batches& batches, const StopRequest& stop = {},
                 const BatchObserver& observe = {});

}  // namespace keel::train
