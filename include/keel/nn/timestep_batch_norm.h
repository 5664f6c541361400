// Batch Normalization in recurrent networks, with statistics for each timestep (Cooijmans et al., "Recurrent
// Batch Normalization", arXiv:1603.09025, section 3): activations of the first steps are distributed unlike
// later ones, so what is shared over time is gamma and beta only.
#pragma once

#include "keel/nn/batch_norm.h"

namespace keel::nn {

// Training:    y[:, t] = gamma (x[:, t] - mean) / sqrt(variance + epsilon) + beta, with mean and variance of
//              x[:, t] over the batch; row t of running_mean and running_var takes them up.
// Evaluation:  the same with row t of the running statistics. A later step than any that training has seen
//              gets the last row it has seen (the paper's T_max).
// Running statistics are kept for the first `timesteps` steps; in training, later ones are normalised by
// their batch and not recorded.
//   shapes:     [N,T,C] -> the same, any T >= 1
//   parameters: weight (gamma) [C] if scale, bias (beta) [C] if center
//   buffers:    running_mean and running_var [timesteps, C], num_batches_tracked int32 [timesteps]
//   gradient:   x, gamma and beta; in training through the statistics as well (see keel/ops/batch_norm.h)
//   throws:     ValueError unless timesteps >= 1, or as BatchNorm does; or if options.track_running_stats is
//               off; forward: ShapeError; DTypeError; ValueError for one example in training
class TimestepBatchNorm final : public Layer<TimestepBatchNorm>, public Recalibrated {
 public:
  TimestepBatchNorm(Index timesteps, Index channels, const BatchNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  // The same for one step x[:, t].   shapes: [N,C] -> the same
  Variable at(const Variable& x, Index t, Context& context);
  std::string kind() const override { return "timestep_batch_norm"; }
  PyTorchLayout pytorch_layout() const override;

  bool can_recalibrate() const override { return true; }
  // Each step's statistics are the mean over the batches that have that step.
  void recalibrate(bool on) override;

  const BatchNormOptions& options() const { return options_; }

  Parameter weight;
  Parameter bias;
  Buffer running_mean;
  Buffer running_var;
  Buffer num_batches_tracked;

 private:
  Variable normalize(const Variable& x, Index first, Index steps, Context& context);
  void update_running_statistics(const Tensor& mean, const Tensor& variance, Index t, Index rows);
  Tensor rows_for(const Buffer& statistics, Index first, Index steps) const;

  Index channels_;
  BatchNormOptions options_;
  bool recalibrating_ = false;
};

}  // namespace keel::nn
