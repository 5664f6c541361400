// How smooth the loss is along the gradient, and how much a layer's gradient changes when those in front of
// it are updated: Santurkar et al., "How does batch normalization help optimization?", arXiv:1805.11604,
// sections 2.2 and 3.1.
#pragma once

#include "study/claim.h"

namespace keel::study {

// Settings: see study/training.h, and
//   probe_every   steps between two looks
// At each look, with g the gradient at the weights w on the step's batch, and eta in {0.05, 0.1, 0.2, 0.3,
// 0.4, 0.5}:
//   range         of L(w - eta g) over the etas, on the same batch
//   change        largest |grad L(w - eta g) - g| over the etas
//   beta          largest |grad L(w - eta g) - g| / (eta |g|): the effective smoothness
//   shift         |G' - G| / |G| of the last hidden layer's weight, G' after a step of the layers in front of
//   it
// The result has the mean of each over the looks; null if one is not finite.
const Measurement& loss_landscape();

// What claims choose of them, so that they share trials.
inline constexpr Index kLandscapeEvery = 20;
inline Index landscape_steps(const Plan& plan) { return plan.choose<Index>(400, 1000); }

}  // namespace keel::study
