// Stochastic gradient descent, with momentum as PyTorch formulates it (Sutskever et al., "On the importance
// of initialization and momentum in deep learning", ICML 2013, with the learning rate outside the velocity).
#pragma once

#include "keel/optim/optimizer.h"

namespace keel::optim {

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // L2; for groups that give none
};

// With g the gradient and a the learning rate; u = 0 at first:
//   g = g + weight_decay * p
//   u = momentum * u + g
//   p = p - a * u                      plain momentum
//   p = p - a * (g + momentum * u)     Nesterov's
class Sgd final : public Optimizer {
 public:
  // throws: ValueError as Optimizer does, and unless 0 <= momentum < 1, weight_decay >= 0; or if nesterov is
  // asked for without momentum
  explicit Sgd(ParameterGroups parameters, const SgdOptions& options = {});

  const SgdOptions& options() const { return options_; }

 private:
  void update(std::span<const Update> updates, Index step) override;

  SgdOptions options_;
};

}  // namespace keel::optim
