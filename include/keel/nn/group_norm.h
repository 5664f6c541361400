// Group Normalization layer (Wu & He, arXiv:1803.08494).
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

struct GroupNormOptions {
  double epsilon = 1e-5;
  // gamma and beta; both are PyTorch's affine. Without one, its place is taken by 1 or 0.
  bool scale = true;
  bool center = true;
};

// The most groups, up to the paper's 32, that divide the channels and leave at least two channels in each; 1
// if there are no such.
Index default_groups(Index channels);

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta with mean and (biased) variance over all positions
// and C / groups neighbouring channels of each example: the same in training and evaluation, and whatever the
// batch. One group is Layer Normalization over all of an example, C groups are Instance Normalization.
//   shapes:     [N,...,C] -> the same
//   parameters: weight (gamma) [C] if scale, bias (beta) [C] if center: PyTorch's names
//   gradient:   x, gamma and beta; through mean and variance as well (see keel/ops/group_norm.h)
//   throws:     ValueError unless groups divides channels, epsilon > 0 in float32 as well;
//               forward: ShapeError; DTypeError; ValueError where a group has one value only
class GroupNorm final : public Layer<GroupNorm> {
 public:
  // PyTorch's order of arguments.
  GroupNorm(Index groups, Index channels, const GroupNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "group_norm"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;
  Parameter bias;

 private:
  Index groups_;
  Index channels_;
  GroupNormOptions options_;
};

}  // namespace keel::nn
