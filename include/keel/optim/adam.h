// Adam (Kingma & Ba, arXiv:1412.6980, algorithm 1) and AdamW (Loshchilov & Hutter, arXiv:1711.05101,
// algorithm 2).
#pragma once

#include "keel/optim/optimizer.h"

namespace keel::optim {

struct AdamOptions {
  double beta1 = 0.9;    // how much of m is kept at each step
  double beta2 = 0.999;  // the same for v
  double epsilon = 1e-8;
  double weight_decay = 0;  // for groups that give none
  bool decoupled =
      false;  // decay the parameter itself (AdamW) instead of adding the decay to the gradient (L2)

  // AdamW as PyTorch has it by default.
  static AdamOptions adamw(double weight_decay = 0.01) {
    return {.weight_decay = weight_decay, .decoupled = true};
  }
};

// With g the gradient, t the number of the step from 1 on (one count for all parameters), and a the learning
// rate:
//   L2:         g = g + weight_decay * p
//   decoupled:  p = p - a * weight_decay * p
//   m = beta1 * m + (1 - beta1) * g            v = beta2 * v + (1 - beta2) * g^2
//   p = p - a * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
// epsilon is added to the square root, as in the paper's algorithm 1 and in PyTorch. The paper's last formula
// of section 2 (TensorFlow's and Keras's) adds it before the correction of v, so it acts more strongly in
// early steps.
class Adam final : public Optimizer {
 public:
  // throws: ValueError as Optimizer does, and unless 0 <= beta1, beta2 < 1, epsilon > 0, weight_decay >= 0
  explicit Adam(ParameterGroups parameters, const AdamOptions& options = {});

  const AdamOptions& options() const { return options_; }

 private:
  void update(std::span<const Update> updates, Index step) override;

  AdamOptions options_;
};

}  // namespace keel::optim
