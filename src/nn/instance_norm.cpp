#include "keel/nn/instance_norm.h"

#include "keel/ops/group_norm.h"
#include "nn/norm_checks.h"

namespace keel::nn {

InstanceNorm::InstanceNorm(Index channels, const InstanceNormOptions& options)
    : channels_(channels), options_(options) {
  check<ValueError>(channels >= 1, "[instance_norm] expected at least 1 channel, found {}", channels);
  check_epsilon("instance_norm", options.epsilon);
  if (!options.affine) return;
  weight = parameter("weight", Tensor::ones({channels}));
  bias = parameter("bias", Tensor::zeros({channels}));
}

Variable InstanceNorm::forward(const Variable& x, Context& context) {
  const Shape& shape = x.shape();
  check_last_axes("instance_norm", x, {channels_});
  if (x.shape().rank() > 2) check_no_mask_of_steps("instance_norm", context);
  check_dtype("instance_norm", x, weight);
  check<ValueError>(shape.numel_between(1, shape.rank() - 1) > 1,
                    "[instance_norm] expected more than one position per channel, found input {}: the layer "
                    "would give beta for every input; use layer_norm or group_norm here",
                    shape);
  return group_norm(x, weight, bias, {.groups = channels_, .epsilon = options_.epsilon});
}

PyTorchLayout InstanceNorm::pytorch_layout() const { return {.input_ranks = {4}}; }

}  // namespace keel::nn
