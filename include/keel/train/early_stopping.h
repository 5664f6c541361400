// Early stopping: an end to training that no longer helps (Prechelt, "Early Stopping - But When?", 1998).
#pragma once

#include <vector>

#include "keel/train/callback.h"

namespace keel::train {

struct EarlyStopping {
  Index patience =
      0;  // epochs in a row without a better validation loss after which training stops; 0: never
  double min_delta = 0;  // a loss is better if it is lower than the best one by more than this
};

// Whether training stops after the last epoch of the log: a function of the log alone, so that a resumed run
// stops where it would have stopped. Row 0, from before training, counts for nothing.
//   throws: ValueError unless patience >= 0 and min_delta is finite and >= 0
bool should_stop(const EarlyStopping& rule, const std::vector<EpochRecord>& log);

}  // namespace keel::train
