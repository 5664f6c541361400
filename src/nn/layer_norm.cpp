#include "keel/nn/layer_norm.h"

#include "keel/ops/group_norm.h"
#include "nn/last_axes.h"

namespace keel::nn {

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  check<ValueError>(normalized_shape.rank() >= 1 && normalized_shape.numel() > 1,
                    "[layer_norm] expected more than one value to normalise over, found the shape {}: the "
                    "layer would give beta for every input",
                    normalized_shape);
  check_epsilon("layer_norm", options.epsilon);
  if (options.scale) weight = parameter("weight", Tensor::ones(normalized_shape));
  if (options.center) bias = parameter("bias", Tensor::zeros(normalized_shape));
}

Variable LayerNorm::forward(const Variable& x, Context& context) {
  check_last_axes("layer_norm", x, normalized_shape_);
  if (normalized_shape_.rank() > 1) check_no_mask_of_steps("layer_norm", context);
  check_dtype("layer_norm", x, options_.scale ? weight : bias);
  return layer_norm(x, weight, bias, {.axes = normalized_shape_.rank(), .epsilon = options_.epsilon});
}

PyTorchLayout LayerNorm::pytorch_layout() const {
  PyTorchLayout layout = pytorch_layout_of_last_axes(normalized_shape_, {"weight", "bias"});
  if (options_.center && !options_.scale) layout.no_equivalent = "PyTorch's has no bias without a weight";
  return layout;
}

}  // namespace keel::nn
