// Benchmarks of differentiable operations: what a user of keel/ops or keel/nn gets, forward and backward.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keel/autograd/variable.h"
#include "measure.h"

namespace keel::bench {

struct Operation {
  std::vector<Variable> inputs;  // all whose gradients backward computes
  std::function<Variable()> forward;
};

struct OperationCase {
  std::string name;   // "conv2d"
  std::string sizes;  // "64x28x28x32x32"
  Work forward;
  Work backward;  // none of it: no benchmark of that
  std::function<Operation()> make;
};

// Adds op/NAME_forward/SIZES/threads:T and op/NAME_backward/SIZES/threads:T. Forward records for
// differentiation, as in training; backward's time is without the forward pass before it.
void add_operation(const OperationCase& operation_case);

// float32, uniform in [-1, 1). A leaf that wants a gradient.
Tensor random_tensor(const Shape& shape);
Variable random_variable(const Shape& shape);

// Bytes of so many float32 numbers.
double bytes_of_floats(Index numbers);

}  // namespace keel::bench
