// Reductions over axes: all axes if none are given. keep_dims leaves them with extent 1.
//
//   shapes:   [..., n, ...] -> the other extents (a scalar if no axes are given)
//   gradient: x
//   throws:   ShapeError if an axis does not exist; DTypeError unless float32 or float64
#pragma once

#include <vector>

#include "keel/autograd/variable.h"

namespace keel {

struct ReductionOptions {
  std::vector<int> axes = {};
  bool keep_dims = false;
};

Variable sum(const Variable& x, const ReductionOptions& options = {});   // dx += dy, stretched
Variable mean(const Variable& x, const ReductionOptions& options = {});  // dx += dy / n, stretched
// dx += dy where x is the maximum; equal maxima share it evenly, as in PyTorch's amax
Variable max(const Variable& x, const ReductionOptions& options = {});

}  // namespace keel
