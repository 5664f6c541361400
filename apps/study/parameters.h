// The parameters of a model as one vector.
#pragma once

#include <vector>

#include "keel/nn/module.h"

namespace keel::study {

// Copies of the elements, one tensor a parameter.
std::vector<Tensor> values_of(const std::vector<Variable>& parameters);
// Of the gradients, which must all be there.
std::vector<Tensor> gradients_of(const std::vector<Variable>& parameters);
// parameter = value + scale direction, for the first `count` of them.
void move(std::vector<Variable>& parameters, const std::vector<Tensor>& values,
          const std::vector<Tensor>& direction, double scale, std::size_t count);

// Euclidean, of the vectors' difference.
double distance_of(const std::vector<Tensor>& a, const std::vector<Tensor>& b);

}  // namespace keel::study
