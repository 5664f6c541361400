// Constraints: what parameters are made to satisfy after each update.
//
//   model.constrain("0.weight", nn::max_norm(2));   // Module::constrain
//   ...
//   optimizer.step(learning_rate);
//   model.apply_constraints();                      // in a loop of one's own; train::fit() does it
//
// Those on norms look at one vector ||w|| = sqrt(sum w^2) for each output unit: the sum runs over all axes
// but the last, the inputs of a unit in dense [in,out] and conv2d [KH,KW,Cin,Cout] weights. A tensor of one
// axis (bias, gamma, beta) is one vector as a whole. This is axis = 0 of Keras for dense weights and vectors,
// and axis = [0, 1, 2] for kernels. `axes` are others to sum over. Norms are summed in double; a vector that
// satisfies a constraint keeps its bits (Keras divides by ||w|| + 1e-7, which shrinks it a little at each
// step), and a vector of zeros, which has no direction, stays.
//   throws, what the functions return: ShapeError if the parameter has no such axis
#pragma once

#include <functional>
#include <vector>

#include "keel/core/tensor.h"

namespace keel::nn {

// Changes a parameter's elements in place, float32 or float64.
using Constraint = std::function<void(Tensor& parameter)>;

// w = max(w, 0); NaN stays NaN
Constraint non_negative();
// w = w min(1, most / ||w||): Srivastava et al., "Dropout", JMLR 15 (2014), section 5.1.
//   throws: ValueError unless `most` is finite and above 0
Constraint max_norm(double most = 2, std::vector<int> axes = {});
// w = w / ||w||
Constraint unit_norm(std::vector<int> axes = {});
// w = w (rate clip(||w||, least, most) + (1 - rate) ||w||) / ||w||: Keras's MinMaxNorm. A rate below 1 goes
// only that part of the way at each step.
//   throws: ValueError unless 0 <= least <= most, most is finite and above 0, and 0 < rate <= 1
struct MinMaxNormOptions {
  double least = 0;
  double most = 1;
  double rate = 1;
  std::vector<int> axes = {};
};
Constraint min_max_norm(const MinMaxNormOptions& options = {});

}  // namespace keel::nn
