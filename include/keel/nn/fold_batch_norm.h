// BatchNorm at inference: folded into the weights of a neighbouring layer.
//
// In evaluation BatchNorm is y = s x + t for each channel, s = gamma / sqrt(running_var + epsilon),
// t = beta - s running_mean. A Dense or Conv2d next to it can do that as well:
//
//   in front of it   W'[..., k] = s[k] W[..., k],  b'[k] = s[k] b[k] + t[k]       (no bias: b = 0)
//   behind it        W'[..., c, k] = s[c] W[..., c, k],  b'[k] = b[k] + sum over ..., c of t[c] W[..., c, k]
//
// In evaluation BatchRenorm and FullNorm are BatchNorm with the statistics they keep (BatchRenorm's
// running_deviation is the square root), so what is said of BatchNorm here is meant of them as well.
//
// The layer in front takes it if there is one, otherwise the layer behind: Dense -> ReLU -> BatchNorm ->
// Dense. Between them may be what such a function passes through unchanged: Dropout, AvgPool2d without
// padding (or without counting it), GlobalAvgPool2d and, towards the layer behind, Flatten. A Conv2d with
// padding cannot be the layer behind: it pads with zeros, where BatchNorm would have made t of the padding
// (unless t is 0).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keel/nn/sequential.h"

namespace keel::nn {

struct FoldOptions {
  // Leave a BatchNorm that cannot be folded where it is, instead of refusing the model.
  bool keep_unfoldable = false;
};

struct FoldedModel {
  // Its layers have the names they had, so those of folded BatchNorms are missing.
  std::shared_ptr<Sequential> model;
  std::vector<std::string> folded;  // paths of the layers in the original: "1", "7.body.1"
  struct Kept {
    std::string path;
    std::string reason;
  };
  std::vector<Kept> kept;
};

// A copy of the model for evaluation only, with every BatchNorm folded, and every NoisyBatchNorm, which is
// one there, also in Sequentials and Residuals below it. The original is left alone. Computed in double;
// equal to the original in evaluation but for rounding. In training mode the copy throws Error. A model
// without BatchNorm is copied as it is.
//   throws: ValueError naming a layer that cannot be folded and why, unless keep_unfoldable
FoldedModel fold_batch_norm(const Sequential& model, const FoldOptions& options = {});

}  // namespace keel::nn
