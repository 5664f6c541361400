// The gradients of a network at its initial weights.
#pragma once

#include "study/trial.h"

namespace keel::study {

// Settings: see study/training.h; of the first batch, nothing is trained. The result:
//   ratio   norm of the gradient of the first weight over that of the last hidden layer's (the one before the
//           logits), or null where that is 0 or one is not finite
//   norms   of each weight, in order
const Measurement& gradient_flow();

}  // namespace keel::study
