// Gradient clipping, between backward() and Optimizer::step().
//
//   loss(model, batch).backward();
//   optim::clip_gradients_by_norm(optimizer.groups(), 1.0);
//   optimizer.step(learning_rate);
//
// Parameters without a gradient are left alone. Gradients are changed in place. Results are the same bits for
// any number of threads.
#pragma once

#include "keel/optim/optimizer.h"

namespace keel::optim {

// All gradients together, as one vector g, are scaled to at most this norm and keep their direction:
//   g = g * min(1, max_norm / ||g||),  ||g|| = sqrt(sum of squares of all elements), summed in double
// (Pascanu et al., "On the difficulty of training recurrent neural networks", arXiv:1211.5063, Algorithm 1).
// PyTorch's clip_grad_norm_ divides by ||g|| + 1e-6, and so ends up a little below max_norm.
// Returns ||g|| as it was before: what to log.
//   throws, with no gradient changed: ValueError unless max_norm is finite and above 0, or if a parameter is
//   given twice; ValueError naming the first parameter whose gradient has an element that is not finite;
//   Error if no parameter has a gradient
double clip_gradients_by_norm(ParameterGroups parameters, double max_norm);

// Each element of each gradient on its own: g = min(max(g, -max_value), max_value). The direction changes.
// NaN stays NaN.
//   throws, with no gradient changed: ValueError unless max_value is finite and above 0, or if a parameter is
//   given twice; Error if no parameter has a gradient
void clip_gradients_by_value(ParameterGroups parameters, double max_value);

}  // namespace keel::optim
