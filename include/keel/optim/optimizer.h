// Optimizer: changes parameters along their gradients. What all optimisers share: groups, the step, state to
// save.
//
//   optim::Adam optimizer(model.named_parameters());
//   for (Index step = 0; step < steps; ++step) {
//     loss(model, batch).backward();
//     optimizer.step(schedule(step));
//     optimizer.clear_grad();
//   }
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keel/autograd/variable.h"
#include "keel/core/named_tensor.h"

namespace keel::optim {

// A parameter, and what messages and checkpoints call it.
struct NamedParameter {
  std::string name;  // if empty, the position among all parameters of the optimiser: "3"
  Variable variable;
};

// Parameters that are trained alike.
struct ParameterGroup {
  std::vector<NamedParameter> parameters;
  double learning_rate_scale = 1;        // multiplies the learning rate of each step
  std::optional<double> weight_decay{};  // the optimiser's own, unless given
};

// Anything with a name and a variable, such as an element of nn::Module::named_parameters().
template <class T>
concept NamedVariableLike = requires(const T& named) {
  std::string(named.name);
  Variable(named.variable);
};

template <NamedVariableLike T>
std::vector<NamedParameter> named_parameters(const std::vector<T>& variables) {
  std::vector<NamedParameter> result;
  for (const T& named : variables) result.push_back({named.name, named.variable});
  return result;
}
std::vector<NamedParameter> named_parameters(const std::vector<Variable>& variables);

// What to train: one or several groups, or a plain list of parameters as one group.
class ParameterGroups {
 public:
  ParameterGroups(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {}
  ParameterGroups(const std::vector<Variable>& parameters) : groups_{{named_parameters(parameters)}} {}
  template <NamedVariableLike T>
  ParameterGroups(const std::vector<T>& parameters) : groups_{{named_parameters(parameters)}} {}

  std::vector<ParameterGroup> take() && { return std::move(groups_); }

 private:
  std::vector<ParameterGroup> groups_;
};

// Two groups: tensors of rank >= 2 (weights), which decay as the optimiser says, and those of lower rank
// (biases, gamma, beta), which do not decay: they have few elements to overfit with, and pulling gamma to 0
// is no prior anybody holds (Goyal et al., arXiv:1706.02677, section 5.1). A group without parameters is left
// out.
std::vector<ParameterGroup> split_for_decay(std::vector<NamedParameter> parameters);
template <NamedVariableLike T>
std::vector<ParameterGroup> split_for_decay(const std::vector<T>& parameters) {
  return split_for_decay(named_parameters(parameters));
}

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Changes every parameter that has a gradient, in place. A parameter without one is left alone, its state
  // too: neither decay nor momentum moves it. Nothing is changed if the step throws. As with
  // Variable::mutable_value(), a forward pass recorded before the step cannot be differentiated after it: run
  // every backward() of an iteration first.
  //   throws: ValueError unless learning_rate is finite and >= 0; ShapeError or DTypeError if a parameter no
  //   longer fits its gradient or its state; Error if no parameter has a gradient
  void step(double learning_rate);
  // Drops the gradients of all parameters.
  void clear_grad();

  const std::vector<ParameterGroup>& groups() const { return groups_; }
  // Names of the parameters that step() would leave alone now. Asked after the first backward(), it tells
  // what the loss does not reach.
  std::vector<std::string> parameters_without_gradient() const;

  // The whole state besides the parameters themselves and step_count(), under names such as "2.weight.m": an
  // optimiser with the same state goes on bit for bit. The tensors are handles of the state itself: clone()
  // what is to outlast the next step.
  std::vector<NamedTensor> state() const;
  // Copies a state() of an optimiser of the same kind and parameters. All or nothing: if it throws, nothing
  // is changed.
  //   throws: ValueError listing all that is missing, unexpected and mismatched; or if step_count is negative
  void load_state(const std::vector<NamedTensor>& tensors, Index step_count);
  // Steps taken so far.
  Index step_count() const { return step_count_; }

 protected:
  // `operation` names the optimiser in messages. For each parameter, one tensor of its shape and element
  // type, zeros at first, is kept for each of `state_names`. `weight_decay` is for groups that have none of
  // their own.
  //   throws: ValueError if there is no parameter, one is given twice, does not require a gradient, or shares
  //   its name or any of its elements with another, or a group's number is out of range
  Optimizer(const char* operation, ParameterGroups groups, std::vector<std::string> state_names,
            double weight_decay);

  // A parameter to change, and what belongs to it.
  struct Update {
    Tensor& parameter;
    const Tensor& gradient;
    std::span<Tensor> state;  // in the order of state_names
    double learning_rate;     // scaled for the group
    double weight_decay;      // of the group
  };
  // Changes parameters and their state; `step` is 1 for the first. All are given at once, so that an
  // optimiser may work on them in one parallel loop; to take them one after the other is as good.
  virtual void update(std::span<const Update> updates, Index step) = 0;

 private:
  struct Record {
    std::string name;
    Variable parameter;
    std::size_t group;
    std::vector<Tensor> state;
  };
  void add_record(const NamedParameter& parameter, std::size_t group);
  void require_fit(const Record& record) const;

  const char* operation_;
  std::vector<ParameterGroup> groups_;
  std::vector<std::string> state_names_;
  std::vector<Record> records_;
  Index step_count_ = 0;
};

}  // namespace keel::optim
