#include "keel/optim/optimizer.h"

#include <cmath>

#include "keel/core/error.h"

namespace keel::optim {
namespace {

// Rows of one tensor share its storage, but not their elements.
bool overlap(const Tensor& a, const Tensor& b) {
  return a.shares_elements_with(b) && a.bytes() < b.bytes() + b.num_bytes() &&
         b.bytes() < a.bytes() + a.num_bytes();
}

}  // namespace

std::vector<NamedParameter> named_parameters(const std::vector<Variable>& variables) {
  std::vector<NamedParameter> result;
  result.reserve(variables.size());
  for (const Variable& variable : variables) result.push_back({"", variable});
  return result;
}

std::vector<ParameterGroup> split_for_decay(std::vector<NamedParameter> parameters) {
  ParameterGroup decayed;
  ParameterGroup not_decayed{.parameters = {}, .weight_decay = 0};
  for (NamedParameter& parameter : parameters) {
    const bool is_weight = parameter.variable.shape().rank() >= 2;
    (is_weight ? decayed : not_decayed).parameters.push_back(std::move(parameter));
  }
  std::vector<ParameterGroup> groups;
  if (!decayed.parameters.empty()) groups.push_back(std::move(decayed));
  if (!not_decayed.parameters.empty()) groups.push_back(std::move(not_decayed));
  return groups;
}

Optimizer::Optimizer(const char* operation, ParameterGroups groups, std::vector<std::string> state_names,
                     double weight_decay)
    : operation_(operation), groups_(std::move(groups).take()), state_names_(std::move(state_names)) {
  const auto is_finite_not_negative = [](double x) { return std::isfinite(x) && x >= 0; };
  check<ValueError>(is_finite_not_negative(weight_decay),
                    "[{}] weight_decay {}: expected a finite number >= 0", operation_, weight_decay);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    ParameterGroup& group = groups_[g];
    if (!group.weight_decay) group.weight_decay = weight_decay;
    check<ValueError>(is_finite_not_negative(*group.weight_decay),
                      "[{}] weight_decay {} of group {}: expected a finite number >= 0", operation_,
                      *group.weight_decay, g);
    check<ValueError>(std::isfinite(group.learning_rate_scale) && group.learning_rate_scale > 0,
                      "[{}] learning_rate_scale {} of group {}: expected a finite number > 0", operation_,
                      group.learning_rate_scale, g);
    for (NamedParameter& parameter : group.parameters) {
      if (parameter.name.empty()) parameter.name = std::to_string(records_.size());
      add_record(parameter, g);
    }
  }
  check<ValueError>(!records_.empty(), "[{}] no parameters to optimise", operation_);
}

void Optimizer::add_record(const NamedParameter& parameter, std::size_t group) {
  const auto& [name, variable] = parameter;
  check<ValueError>(variable.defined(), "[{}] parameter '{}' is undefined", operation_, name);
  check<ValueError>(variable.requires_grad(), "[{}] parameter '{}' {} does not require a gradient",
                    operation_, name, variable.shape());
  for (const Record& other : records_) {
    check<ValueError>(!(other.parameter == variable), "[{}] parameter '{}' {} is given twice{}", operation_,
                      name, variable.shape(), other.name == name ? "" : ", first as '" + other.name + "'");
    check<ValueError>(other.name != name, "[{}] two parameters are named '{}'", operation_, name);
    check<ValueError>(!overlap(other.parameter.value(), variable.value()),
                      "[{}] parameters '{}' {} and '{}' {} share elements, which each would change: give "
                      "one a clone()",
                      operation_, other.name, other.parameter.shape(), name, variable.shape());
  }
  Record record{name, variable, group, {}};
  for (std::size_t i = 0; i < state_names_.size(); ++i) {
    record.state.push_back(Tensor::zeros_like(variable.value()));
  }
  records_.push_back(std::move(record));
}

void Optimizer::require_fit(const Record& record) const {
  const auto require_like_value = [&](const Tensor& tensor, const std::string& what) {
    const Tensor& value = record.parameter.value();
    check<ShapeError>(tensor.shape() == value.shape(), "[{}] parameter '{}' is {}, its {} {}", operation_,
                      record.name, value.shape(), what, tensor.shape());
    check<DTypeError>(tensor.dtype() == value.dtype(), "[{}] parameter '{}' is {}, its {} {}", operation_,
                      record.name, name_of(value.dtype()), what, name_of(tensor.dtype()));
  };
  require_like_value(record.parameter.grad(), "gradient");
  for (std::size_t i = 0; i < record.state.size(); ++i) require_like_value(record.state[i], state_names_[i]);
}

void Optimizer::step(double learning_rate) {
  check<ValueError>(std::isfinite(learning_rate) && learning_rate >= 0,
                    "[{}] learning rate {}: expected a finite number >= 0", operation_, learning_rate);
  std::size_t with_gradient = 0;
  for (const Record& record : records_) {
    if (!record.parameter.grad().defined()) continue;
    require_fit(record);
    ++with_gradient;
  }
  check(with_gradient > 0, "[{}] none of {} parameters has a gradient: step() comes after backward()",
        operation_, records_.size());
  std::vector<Update> updates;
  updates.reserve(with_gradient);
  for (Record& record : records_) {
    if (!record.parameter.grad().defined()) continue;
    const ParameterGroup& group = groups_[record.group];
    updates.push_back({.parameter = record.parameter.mutable_value(),
                       .gradient = record.parameter.grad(),
                       .state = record.state,
                       .learning_rate = learning_rate * group.learning_rate_scale,
                       .weight_decay = *group.weight_decay});
  }
  update(updates, ++step_count_);
}

void Optimizer::clear_grad() {
  for (Record& record : records_) record.parameter.clear_grad();
}

std::vector<std::string> Optimizer::parameters_without_gradient() const {
  std::vector<std::string> names;
  for (const Record& record : records_) {
    if (!record.parameter.grad().defined()) names.push_back(record.name);
  }
  return names;
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> tensors;
  for (const Record& record : records_) {
    for (std::size_t i = 0; i < record.state.size(); ++i) {
      tensors.push_back({record.name + "." + state_names_[i], record.state[i]});
    }
  }
  return tensors;
}

void Optimizer::load_state(const std::vector<NamedTensor>& tensors, Index step_count) {
  check<ValueError>(step_count >= 0, "[{}] step count {}: expected >= 0", operation_, step_count);
  std::vector<NamedTensor> places = state();
  const StateMatch match = match_state(operation_, places, tensors);
  check<ValueError>(match.difference.empty(), "[{}] state: {}", operation_, match.difference.to_string());
  for (const auto& [place, source] : match.copies) places[place].tensor.copy_from(source);
  step_count_ = step_count;
}

}  // namespace keel::optim
