// The gradients of a network at its initial weights.
#pragma once

#include "study/trial.h"

namespace keel::study {

// Settings: see study/training.h; of the first batch, nothing is trained. The result:
//   ratio   norm of the gradient of the second hidden layer's weight, the first with inputs of the hidden
//   width, over
//           that of the last hidden layer's, or null where one is 0 or not finite
//   growth  what the ratio grows by in each layer between: ratio^(1 / (hidden layers - 2)), or null
//   norms   of each weight, in order
const Measurement& gradient_flow();

}  // namespace keel::study
