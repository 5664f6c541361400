// Single timesteps of sequences [N,T,C].
#pragma once

#include <vector>

#include "keel/autograd/variable.h"

namespace keel {

// y = a + x[:, t, :]
//   shapes:   a [N,C], x [N,T,C] -> [N,C]
//   gradient: da += dy, dx[:, t, :] += dy
//   throws:   ShapeError with both shapes, or if t is not in [0, T); DTypeError
Variable add_timestep(const Variable& a, const Variable& x, Index t);

// The sequence of all steps.
//   shapes:   T of [N,C], T >= 1 -> [N,T,C]
//   gradient: of step t: dy[:, t, :]
//   throws:   ShapeError; DTypeError; ValueError if there are none
Variable stack_timesteps(const std::vector<Variable>& steps);

}  // namespace keel
