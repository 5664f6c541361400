// Fully connected layer.
#pragma once

#include "keel/nn/init.h"
#include "keel/nn/module.h"

namespace keel::nn {

struct DenseOptions {
  bool bias = true;
  Initializer weight_init = pytorch_default();
  Initializer bias_init = pytorch_default();  // sees the weight's fans
};

// y = x weight + bias, over the last axis
//   shapes:     [..., inputs] -> [..., outputs]
//   parameters: weight [inputs, outputs], bias [outputs] (unless bias = false)
//   throws:     ValueError unless inputs and outputs are at least 1; forward: ShapeError
class Dense final : public Layer<Dense> {
 public:
  Dense(Index inputs, Index outputs, Rng& rng, const DenseOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                            Context& context) override;
  std::string kind() const override { return "dense"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;
  Parameter bias;
};

}  // namespace keel::nn
