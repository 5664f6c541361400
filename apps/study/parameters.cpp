#include "study/parameters.h"

#include "keel/core/tensor_ops.h"
#include "keel/train/distributions.h"

namespace keel::study {

std::vector<Tensor> values_of(const std::vector<Variable>& parameters) {
  std::vector<Tensor> values;
  for (const Variable& parameter : parameters) values.push_back(parameter.value().clone());
  return values;
}

std::vector<Tensor> gradients_of(const std::vector<Variable>& parameters) {
  std::vector<Tensor> gradients;
  for (const Variable& parameter : parameters) gradients.push_back(parameter.grad().clone());
  return gradients;
}

void move(std::vector<Variable>& parameters, const std::vector<Tensor>& values,
          const std::vector<Tensor>& direction, double scale, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Tensor& elements = parameters[i].mutable_value();
    elements.copy_from(values[i]);
    if (scale != 0) add_scaled(elements, direction[i], scale);
  }
}

double distance_of(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  std::vector<Tensor> difference;
  for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(subtract(a[i], b[i]));
  return train::norm_of(difference);
}

}  // namespace keel::study
