// Batch Renormalization layer (Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in
// Batch-Normalized Models", arXiv:1702.03275).
#pragma once

#include "keel/nn/activated_layer.h"
#include "keel/nn/running_norm.h"

namespace keel::nn {

// The limits of the correction follow the number of batches seen: up to relaxation_begin it is off, which is
// BatchNorm; from there r_max grows from 1 and d_max from 0, linearly, to their values at r_max_end and
// d_max_end. The defaults are the paper's, for 160,000 steps: shorter training wants them in proportion.
struct BatchRenormOptions {
  double epsilon = 1e-5;
  double momentum = 0.01;  // the weight of the new batch
  double r_max = 3;        // at least 1
  double d_max = 5;        // at least 0
  Index relaxation_begin = 5000;
  Index r_max_end = 40000;
  Index d_max_end = 25000;
  bool scale = true;   // gamma
  bool center = true;  // beta
};

// Training:   with the batch's mean and deviation = sqrt(variance + epsilon), and the running ones of before,
//               r = clip(deviation / running_deviation, 1 / r_max, r_max)
//               d = clip((mean - running_mean) / running_deviation, -d_max, d_max)
//               y = gamma ((x - mean) / deviation r + d) + beta
//             then running_mean, running_deviation take up the batch's: the deviation itself is averaged.
//             Within the limits this is what evaluation gives, so an example's output hardly depends on its
//             batch.
// Evaluation: y = gamma (x - running_mean) / running_deviation + beta
//   shapes:     [..., C] -> the same, at least two axes
//   parameters: weight (gamma) [C] if scale, bias (beta) [C] if center
//   buffers:    running_mean [C] (0 at first), running_deviation [C] (1 at first), num_batches_tracked
//               int32 [1], which the limits follow: a resumed run goes on with them
//   recalibrate(): what is found is BatchNorm's: running_deviation is sqrt(v + epsilon), v the mean of the
//               unbiased variances. num_batches_tracked stays, and so do the limits.
//   gradient:   x, gamma and beta, with r and d as constants though they depend on x: BatchNorm's, times r
//   throws:     ValueError unless channels >= 1, epsilon > 0 in float32 as well, momentum in [0,1], r_max >=
//               1, d_max >= 0 (both finite), and neither limit is reached before relaxation_begin >= 0;
//               forward: ShapeError; DTypeError; ValueError for one row in training and
//               while the layer recalibrates
class BatchRenorm final : public ActivatedLayer<BatchRenorm>, public RunningNorm {
 public:
  explicit BatchRenorm(Index channels, const BatchRenormOptions& options = {});
  std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                            Context& context) override;
  std::string kind() const override { return "batch_renorm"; }
  PyTorchLayout pytorch_layout() const override;

  const BatchRenormOptions& options() const { return options_; }
  // The limits for the next batch.
  double r_max() const;
  double d_max() const;

  Buffer running_deviation;
  Buffer num_batches_tracked;

 private:
  Variable normalize_by(const Variable& x, const BatchStatistics& batch, Activation activation) override;
  void take_up(const BatchStatistics& batch, Index rows, double share) override;
  Buffer& running_spread() override { return running_deviation; }
  Tensor running_variance() override;

  BatchRenormOptions options_;
};

}  // namespace keel::nn
