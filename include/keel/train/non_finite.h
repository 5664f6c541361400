// What to say when a loss is infinite or no number.
#pragma once

#include "keel/core/error.h"
#include "keel/data/dataset.h"
#include "keel/nn/module.h"

namespace keel::train {

// A loss that is not finite: training has diverged, or the data are broken.
class NonFiniteLoss : public Error {
 public:
  using Error::Error;
};

// Where the forward pass of a batch first leaves the finite numbers, in words: "first in the output of layer
// 2 (batch_norm); not finite themselves: 0.weight". Runs a copy of the model, so its state stays as it is.
std::string locate_non_finite(nn::Module& model, const data::Batch& batch, nn::Context context);

}  // namespace keel::train
