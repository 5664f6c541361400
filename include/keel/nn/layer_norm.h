// Layer Normalization layer (Ba, Kiros & Hinton, arXiv:1607.06450).
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

struct LayerNormOptions {
  double epsilon = 1e-5;  // PyTorch's; Keras's is 1e-3
  // gamma and beta; both are PyTorch's elementwise_affine. Without one, its place is taken by 1 or 0.
  bool scale = true;
  bool center = true;
};

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta with mean and (biased) variance over the last axes,
// for each example and position by itself: the same in training and evaluation, and whatever the batch.
//   shapes:     [...,S] -> the same, where S is normalized_shape: [C] is the last axis, as Keras's default;
//               [H,W,C] all of an image
//   parameters: weight (gamma) S if scale, bias (beta) S if center: PyTorch's names
//   gradient:   x, gamma and beta; through mean and variance as well (see keel/ops/group_norm.h)
//   throws:     ValueError unless S has more than one element, epsilon > 0 in float32 as well;
//               forward: ShapeError, DTypeError
class LayerNorm final : public Layer<LayerNorm> {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  explicit LayerNorm(Index channels, const LayerNormOptions& options = {})
      : LayerNorm(Shape{channels}, options) {}
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "layer_norm"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;
  Parameter bias;

 private:
  Shape normalized_shape_;
  LayerNormOptions options_;
};

}  // namespace keel::nn
