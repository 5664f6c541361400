// Which statistics of the population a trained BatchLayerNorm shall take: tried, not guessed.
#pragma once

#include "keel/data/batches.h"
#include "keel/nn/batch_layer_norm.h"
#include "keel/train/metrics.h"

namespace keel::train {

struct PopulationChoice {
  nn::BatchLayerNormPopulation population;
  Metrics validation;  // with it
};

// Evaluates the model with each of the 16 combinations of nn::BatchLayerNormPopulation, the same in all its
// BatchLayerNorms, as their authors do (Ziaee & Cano, arXiv:2209.08898), and leaves it with the one of the
// highest accuracy; of equal ones that of the lowest loss, then the default, then the first. A combination
// whose loss is not finite is passed over. Where the input's own statistics over the batch do well, they do
// so for batches of this size.
//
// If it throws, the model is what it was.
//   throws: ValueError if there is no BatchLayerNorm in the model; NonFiniteLoss if no combination gives a
//   finite loss; Interrupted; what the layers throw
PopulationChoice choose_population(nn::Module& model, const data::Batches& validation,
                                   const StopRequest& stop = {});

}  // namespace keel::train
