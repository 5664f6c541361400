#include "keel/nn/rms_norm.h"

#include <limits>

#include "keel/ops/group_norm.h"
#include "nn/last_axes.h"

namespace keel::nn {

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  check<ValueError>(normalized_shape.rank() >= 1 && normalized_shape.numel() > 0,
                    "[rms_norm] expected a value to normalise, found the shape {}", normalized_shape);
  if (options.epsilon) check_epsilon("rms_norm", *options.epsilon);
  if (options.scale) weight = parameter("weight", Tensor::ones(normalized_shape));
}

Variable RMSNorm::forward(const Variable& x, Context& context) {
  check_last_axes("rms_norm", x, normalized_shape_);
  if (normalized_shape_.rank() > 1) check_no_mask_of_steps("rms_norm", context);
  check_dtype("rms_norm", x, weight);
  double epsilon = 0;
  dispatch_floating("rms_norm", x.dtype(), [&](auto zero) {
    epsilon = options_.epsilon.value_or(std::numeric_limits<decltype(zero)>::epsilon());
  });
  return layer_norm(x, weight, Variable(),
                    {.axes = normalized_shape_.rank(), .epsilon = epsilon, .subtract_mean = false});
}

PyTorchLayout RMSNorm::pytorch_layout() const {
  return pytorch_layout_of_last_axes(normalized_shape_, {"weight"});
}

}  // namespace keel::nn
