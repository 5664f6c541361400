#include "nn/split_layer_norm.h"

#include "keel/ops/group_norm.h"
#include "keel/ops/layout.h"
#include "nn/norm_checks.h"

namespace keel::nn {

SplitLayerNorm::SplitLayerNorm(Index channels, Index first, const LayerNormOptions& options)
    : channels_(channels), first_(first), epsilon_(options.epsilon) {
  check_epsilon("layer_norm", options.epsilon);
  if (options.scale) weight = parameter("weight", Tensor::ones({channels}));
  if (options.center) bias = parameter("bias", Tensor::zeros({channels}));
}

Variable SplitLayerNorm::forward(const Variable& x, Context&) {
  check_last_axes("layer_norm", x, {channels_});
  const auto part = [&](Index begin, Index end) {
    const auto of = [&](const Variable& parameter) {
      return parameter.defined() ? slice(parameter, 0, begin, end) : Variable();
    };
    return layer_norm(slice(x, -1, begin, end), of(weight), of(bias), {.epsilon = epsilon_});
  };
  return concatenate({part(0, first_), part(first_, channels_)}, -1);
}

}  // namespace keel::nn
