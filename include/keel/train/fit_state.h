// Where a training run stands between two steps.
#pragma once

#include <vector>

#include "keel/train/callback.h"
#include "keel/train/metrics.h"

namespace keel::train {

// All that fit() needs, beside the model and the optimiser, to go on as if it had never stopped. Shuffling,
// dropout and schedules are functions of seeds, epoch and step, so there is nothing of theirs in it.
struct FitState {
  Index epoch = 0;           // that is being trained; 0: the row from before training is still to come
  Index batch = 0;           // how many batches of this epoch are done
  Index step = 0;            // updates so far
  double learning_rate = 0;  // of the last update
  Metrics training = {};     // of this epoch so far
  double seconds = 0;        // spent on this epoch so far
  std::vector<EpochRecord> log = {};
};

}  // namespace keel::train
