// Instance Normalization layer (Ulyanov, Vedaldi & Lempitsky, arXiv:1607.08022).
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

struct InstanceNormOptions {
  double epsilon = 1e-5;
  bool affine = false;  // gamma and beta; off, as in PyTorch
};

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta with mean and (biased) variance over the positions
// of each channel of each example: the same in training and evaluation, and whatever the batch. There are no
// running statistics (PyTorch's track_running_stats=False, its default).
//   shapes:     [N,...,C] -> the same, with more than one position
//   parameters: weight (gamma) [C] and bias (beta) [C] if affine: PyTorch's names
//   gradient:   x, gamma and beta; through mean and variance as well (see keel/ops/group_norm.h)
//   throws:     ValueError unless channels >= 1, epsilon > 0 in float32 as well;
//               forward: ShapeError; DTypeError; ValueError where there is one position a channel, as behind
//               a dense layer: the layer would give beta for every input
class InstanceNorm final : public Layer<InstanceNorm> {
 public:
  explicit InstanceNorm(Index channels, const InstanceNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "instance_norm"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;
  Parameter bias;

 private:
  Index channels_;
  InstanceNormOptions options_;
};

}  // namespace keel::nn
