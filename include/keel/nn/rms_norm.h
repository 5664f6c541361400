// Root mean square normalisation layer (Zhang & Sennrich, arXiv:1910.07467).
#pragma once

#include <optional>

#include "keel/nn/module.h"

namespace keel::nn {

struct RMSNormOptions {
  // Not set: the epsilon of the element type, 1.19e-7 in float32, as in PyTorch.
  std::optional<double> epsilon = {};
  bool scale = true;  // PyTorch's elementwise_affine
};

// y = gamma x / sqrt(mean(x^2) + epsilon), the mean over the last axes (equation 4 of the paper, whose gain
// is gamma): Layer Normalization that takes no mean off, so y keeps the sign of x, and has no beta.
//   shapes:     [...,S] -> the same, where S is normalized_shape: [C] is the last axis
//   parameters: weight (gamma) S if scale: PyTorch's name
//   gradient:   x and gamma; through the mean square as well (see keel/ops/group_norm.h)
//   throws:     ValueError unless S has an element, epsilon > 0 in float32 as well;
//               forward: ShapeError, DTypeError
class RMSNorm final : public Layer<RMSNorm> {
 public:
  explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
  explicit RMSNorm(Index channels, const RMSNormOptions& options = {}) : RMSNorm(Shape{channels}, options) {}
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "rms_norm"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;

 private:
  Shape normalized_shape_;
  RMSNormOptions options_;
};

}  // namespace keel::nn
