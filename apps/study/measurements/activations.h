// Trains a model, and watches the inputs of its last hidden activation, as Ioffe & Szegedy,
// arXiv:1502.03167v3, section 4.1 and Figure 1 do.
#pragma once

#include "study/trial.h"

namespace keel::study {

// Settings: see study/training.h, and
//   probe_every   steps between two looks, at the first 1,000 test images in training mode
// The result has what train_and_test() gives of curve (every 100 steps up to step 5,000) and accuracy, and
//   p15, p50, p85   arrays over the looks, of one typical unit: the middle one
//   spread_change   the largest p85 - p15 over the smallest, from step 500 on
//   drift           the range of p50 over the mean of p85 - p15, from step 500 on
//   flat            the share of all inputs at the end where the activation's slope is below 0.01
//   center          the mean of p50's size over the looks from step 500 on
const Measurement& train_and_watch_activations();

}  // namespace keel::study
