// Mean-only Batch Normalization layer (Salimans & Kingma, "Weight Normalization", arXiv:1602.07868, section
// 4): for behind weight-normalised layers, whose scale is set already.
#pragma once

#include "keel/nn/batch_norm.h"

namespace keel::nn {

struct MeanOnlyBatchNormOptions {
  std::optional<double> momentum = 0.1;  // the weight of the new batch, or kCumulativeAverage
  bool center = true;                    // b
};

// Training:   y = x - mean(x) + b, the mean of each channel over all rows, which running_mean takes up
// Evaluation: y = x - running_mean + b
//   shapes:     [..., C] -> the same, at least two axes
//   parameters: bias (b) [C] if center
//   buffers:    running_mean [C] (0 at first), num_batches_tracked int32 [1]
//   gradient:   x (in training dx += dy - mean(dy)) and b
//   throws:     ValueError unless channels >= 1 and momentum in [0,1]; forward: ShapeError; DTypeError;
//               ValueError for one row in training and while the layer recalibrates: every input would
//               give b
class MeanOnlyBatchNorm final : public Layer<MeanOnlyBatchNorm>, public Recalibrated {
 public:
  explicit MeanOnlyBatchNorm(Index channels, const MeanOnlyBatchNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "mean_only_batch_norm"; }
  PyTorchLayout pytorch_layout() const override;

  bool can_recalibrate() const override { return true; }
  void recalibrate(bool on) override;

  Parameter bias;
  Buffer running_mean;
  Buffer num_batches_tracked;

 private:
  Index channels_;
  std::optional<double> momentum_;
  bool recalibrating_ = false;
};

}  // namespace keel::nn
