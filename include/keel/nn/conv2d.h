// Two-dimensional convolution layer.
#pragma once

#include "keel/nn/init.h"
#include "keel/nn/module.h"
#include "keel/ops/conv2d.h"
#include "keel/ops/pair.h"

namespace keel::nn {

struct Conv2dLayerOptions {
  Conv2dOptions convolution = {};  // stride, padding, dilation, groups, algorithm
  bool bias = true;
  Initializer weight_init = pytorch_default();
  Initializer bias_init = pytorch_default();  // sees the weight's fans
};

// y = conv2d(x, weight, bias): see keel/ops/conv2d.h for the formula
//   shapes:     [N,H,W,inputs] -> [N,OH,OW,outputs]
//   parameters: weight [kernel.h, kernel.w, inputs / groups, outputs], bias [outputs] (unless bias = false)
//   throws:     ValueError unless inputs, outputs and kernel are at least 1 and groups divides both;
//               forward: ShapeError
class Conv2d final : public Layer<Conv2d> {
 public:
  Conv2d(Index inputs, Index outputs, Pair kernel, Rng& rng, const Conv2dLayerOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                            Context& context) override;
  std::string kind() const override { return "conv2d"; }
  PyTorchLayout pytorch_layout() const override;

  const Conv2dOptions& convolution() const { return convolution_; }

  Parameter weight;
  Parameter bias;

 private:
  Conv2dOptions convolution_;
};

}  // namespace keel::nn
