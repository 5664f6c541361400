#include "keel/nn/group_norm.h"

#include <algorithm>

#include "keel/ops/group_norm.h"
#include "nn/norm_checks.h"

namespace keel::nn {

Index default_groups(Index channels) {
  for (Index groups = std::min<Index>(32, channels / 2); groups > 1; --groups) {
    if (channels % groups == 0) return groups;
  }
  return 1;
}

GroupNorm::GroupNorm(Index groups, Index channels, const GroupNormOptions& options)
    : groups_(groups), channels_(channels), options_(options) {
  check<ValueError>(channels >= 1, "[group_norm] expected at least 1 channel, found {}", channels);
  check<ValueError>(groups >= 1 && channels % groups == 0,
                    "[group_norm] expected a number of groups that divides the {} channels, found {}",
                    channels, groups);
  check_epsilon("group_norm", options.epsilon);
  if (options.scale) weight = parameter("weight", Tensor::ones({channels}));
  if (options.center) bias = parameter("bias", Tensor::zeros({channels}));
}

Variable GroupNorm::forward(const Variable& x, Context& context) {
  check_last_axes("group_norm", x, {channels_});
  if (x.shape().rank() > 2) check_no_mask_of_steps("group_norm", context);
  check_dtype("group_norm", x, options_.scale ? weight : bias);
  return group_norm(x, weight, bias, {.groups = groups_, .epsilon = options_.epsilon});
}

PyTorchLayout GroupNorm::pytorch_layout() const {
  PyTorchLayout layout = {.input_ranks = {4}};
  if (groups_ == 1) layout.tensors = {{"weight", {.input_features = 0}}, {"bias", {.input_features = 0}}};
  // The features that flattening puts side by side are others in PyTorch, and so would be the groups: that is
  // noticed by the parameters.
  if (groups_ == 1 || options_.scale) layout.input_ranks = {2, 4};
  if (options_.scale != options_.center)
    layout.no_equivalent = "PyTorch's has both scale and center, or neither";
  return layout;
}

}  // namespace keel::nn
