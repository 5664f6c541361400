// Regularisers: penalties on parameters that training adds to the loss.
//
//   model.regularize("0.weight", nn::l2(1e-4));     // Module::regularize
//   ...
//   (loss + model.penalty()).backward();            // in a loop of one's own; train::fit() does it
//
// One of your own is a function of the parameter, made of differentiable operations:
//   model.regularize("0.weight", [](const Variable& w) { return 0.01 * sum(pow(w, 4)); });
#pragma once

#include <functional>

#include "keel/autograd/variable.h"

namespace keel::nn {

// The penalty for a parameter: one element, of the parameter's type.
using Regularizer = std::function<Variable(const Variable& parameter)>;

// factor sum |w|, factor sum w^2, and both. Formula, gradient and sources are in keel/ops/penalty.h; names
// and defaults are Keras's.   throws: ValueError unless factors are finite and at least 0
Regularizer l1(double factor = 0.01);
Regularizer l2(double factor = 0.01);
Regularizer l1_l2(double l1_factor = 0.01, double l2_factor = 0.01);

}  // namespace keel::nn
