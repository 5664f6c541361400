// How well a model does.
#pragma once

#include "keel/data/batches.h"
#include "keel/nn/module.h"

namespace keel::train {

// Sums over examples, so that batches of different sizes weigh as much as they hold.
class Metrics {
 public:
  // The mean loss of a batch, its logits [N,K] and labels [N].
  void add(double loss, const Tensor& logits, const Tensor& labels);

  Index examples() const { return examples_; }
  // Means over all examples so far; NaN before the first.
  double loss() const;
  double accuracy() const;  // the share of examples whose largest logit is their label's

 private:
  double loss_sum_ = 0;
  Index correct_ = 0;
  Index examples_ = 0;
};

// Loss (softmax cross-entropy) and accuracy over all batches of an epoch, in evaluation mode and without
// recording.
//   throws: NonFiniteLoss (keel/train/non_finite.h) with the layer where it first appeared
Metrics evaluate(nn::Module& model, const data::Batches& batches);

}  // namespace keel::train
