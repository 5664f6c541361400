// Batch Normalization layer (Ioffe & Szegedy, arXiv:1502.03167v3).
//
// One axis, by default the last, holds the channels; all others are rows. So this one layer is what other
// frameworks call BatchNorm1d ([N,C]), 2d ([N,H,W,C]) and 3d, and BatchNormalization with any `axis`.
//
// Conventions, as they differ between frameworks:
//   momentum  the weight of the NEW batch: running = (1 - momentum) running + momentum batch, as in PyTorch,
//             whose 0.1 is the default. Keras's is the weight of the OLD value: its 0.99 is 0.01 here.
//             kCumulativeAverage (PyTorch's momentum=None) gives the plain mean over all batches so far.
//   epsilon   added to the variance, inside the square root: sqrt(variance + epsilon).
//   variance  the biased one (over R rows) normalises; running_var takes the unbiased one (over R - 1), as
//             in the paper's Algorithm 2 and in PyTorch. (Keras keeps the biased one.)
#pragma once

#include <optional>

#include "keel/nn/activated_layer.h"
#include "keel/nn/recalibrated.h"

namespace keel::nn {

// As BatchNormOptions::momentum: running statistics are the mean over all batches so far.
inline constexpr std::optional<double> kCumulativeAverage = std::nullopt;

struct BatchNormOptions {
  double epsilon = 1e-5;
  std::optional<double> momentum = 0.1;  // in [0, 1], or kCumulativeAverage
  // gamma and beta; both are PyTorch's affine. Without one, its place is taken by 1 or 0.
  bool scale = true;
  bool center = true;
  // Without running statistics the batch's own are used in evaluation, too.
  bool track_running_stats = true;
  double initial_gamma = 1;
  double initial_beta = 0;
  double initial_running_mean = 0;
  double initial_running_var = 1;
  // Of the channels; from the end if negative. One that is not the last is moved there and back.
  int axis = -1;

  // The defaults of torch.nn.BatchNorm2d, which are ours.
  static BatchNormOptions pytorch() { return {}; }
  // The defaults of keras.layers.BatchNormalization: epsilon 1e-3 and momentum 0.99 in Keras's convention.
  static BatchNormOptions keras() { return {.epsilon = 1e-3, .momentum = 0.01}; }
};

// Training:    y = gamma (x - mean) / sqrt(variance + epsilon) + beta with the batch's mean and variance, and
//              running_mean, running_var take them up.
// Evaluation:  the same with running_mean and running_var, so an example's result does not depend on its
//              batch.
// Frozen:      as in evaluation, whatever the mode; gamma and beta are still trained.
// Mask:        where the batch's statistics are used and the context has a mask (Context::set_mask), they are
//              those of the rows that count, and so is their number; all rows are normalised. The mask has
//              the leading axes of the input, the axis of the channels left out of them.
//   shapes:     [..., C] -> the same, at least two axes; with another axis, C is its extent
//   parameters: weight (gamma) [C] if scale, bias (beta) [C] if center: PyTorch's names
//   buffers:    running_mean [C], running_var [C], num_batches_tracked int32 [1], if track_running_stats
//   gradient:   x, gamma and beta; through the batch's statistics as well (see keel/ops/batch_norm.h)
//   throws:     ValueError unless channels >= 1, epsilon > 0 in float32 as well (at least 1e-45), momentum in
//               [0,1], initial_running_var >= 0;
//               forward: ShapeError; DTypeError; ValueError where the batch's statistics are used (also in
//               evaluation without running statistics) and there is one row (that counts) only: its variance
//               is 0 whatever the row, so the layer would give beta for every input
class BatchNorm final : public ActivatedLayer<BatchNorm>, public Recalibrated {
 public:
  explicit BatchNorm(Index channels, const BatchNormOptions& options = {});
  std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                            Context& context) override;
  std::string kind() const override { return "batch_norm"; }
  PyTorchLayout pytorch_layout() const override;

  // Stops (or resumes) the use and update of batch statistics in training, for fine-tuning with small
  // batches. Independent of the mode, and kept by clone().   throws: Error without running statistics
  void freeze(bool frozen = true);
  bool frozen() const { return frozen_; }
  // Back to the initial values, with no batch tracked.   throws: Error without running statistics
  void reset_running_stats();

  bool can_recalibrate() const override { return !frozen_ && options_.track_running_stats; }
  // A frozen layer stays as it is.   throws: Error without running statistics
  void recalibrate(bool on) override;

  const BatchNormOptions& options() const { return options_; }

  Parameter weight;
  Parameter bias;
  Buffer running_mean;
  Buffer running_var;
  Buffer num_batches_tracked;

 private:
  Variable normalize_last(const Variable& x, Activation activation, Context& context);
  const char* remedies(bool records) const;
  void update_running_statistics(const Tensor& mean, const Tensor& variance, Index rows);

  Index channels_;
  BatchNormOptions options_;
  bool frozen_ = false;
  bool recalibrating_ = false;
};

}  // namespace keel::nn
