// RMSProp (Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012), as PyTorch formulates it.
#pragma once

#include "keel/optim/optimizer.h"

namespace keel::optim {

struct RmsPropOptions {
  double alpha = 0.99;  // how much of v is kept at each step
  double epsilon = 1e-8;
  double momentum = 0;
  double weight_decay = 0;  // L2; for groups that give none
};

// With g the gradient and a the learning rate; v = 0 and u = 0 at first:
//   g = g + weight_decay * p
//   v = alpha * v + (1 - alpha) * g^2
//   u = momentum * u + g / (sqrt(v) + epsilon)
//   p = p - a * u
// v is not corrected for its start from 0 as Adam's is: the first step has the size of a / sqrt(1 - alpha),
// ten times a by default, whatever the gradient.
class RmsProp final : public Optimizer {
 public:
  // throws: ValueError as Optimizer does, and unless 0 <= alpha, momentum < 1, epsilon > 0, weight_decay >= 0
  explicit RmsProp(ParameterGroups parameters, const RmsPropOptions& options = {});

  const RmsPropOptions& options() const { return options_; }

 private:
  void update(std::span<const Update> updates, Index step) override;

  RmsPropOptions options_;
};

}  // namespace keel::optim
