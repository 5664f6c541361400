// Full Normalization layer: a RECONSTRUCTION. Lian & Liu ("Revisit Batch Normalization: New Understanding and
// Refinement via Composition Optimization", AISTATS 2019, PMLR 89; arXiv:1810.06177) show that BatchNorm
// minimises another objective than the one that normalises by the statistics of the whole data set, and
// propose to follow the latter by compositional optimisation. Their algorithm in detail was not at hand: what
// stands here is the plain way to do what the abstract says, with moving averages of the inner function's
// value (the moments) and of the outer function's gradient.
#pragma once

#include "keel/nn/running_norm.h"

namespace keel::nn {

struct FullNormOptions {
  double epsilon = 1e-5;
  // The weight of the new batch in all averages. 1 is BatchNorm. Values far below 0.1 may diverge: the
  // gradient's average is then of other weights than the current ones.
  double alpha = 0.1;
};

// Training:   m = (1 - alpha) m + alpha mean(x)     s = (1 - alpha) s + alpha mean(x^2)     v = s - m^2
//             y = gamma (x - m) / sqrt(v + epsilon) + beta
//             kept as m and v, where with m of before
//             v = (1 - alpha) v + alpha variance(x) + alpha (1 - alpha) (mean(x) - m)^2
//             is the same without cancellation. An input that is not finite gives NaN, no exception.
// Evaluation: the same y, with m and v as they are.
//   shapes:     [..., C] -> the same, at least two axes
//   parameters: weight (gamma) [C], bias (beta) [C]
//   buffers:    running_mean m [C] (0 at first), running_var v [C] (1 at first), mean_gradient and
//               second_moment_gradient [C] (0 at first): averages that backward() updates in training, see
//               keel/ops/full_norm.h. So whoever runs backward() in training mode moves them.
//   recalibrate(): what is found is the mean and the (biased) variance of the batches' rows taken together,
//               if the batches are of one size: m and s are the means of the batches' moments. mean_gradient
//               and second_moment_gradient stay.
//   gradient:   gamma and beta exactly. That of x is NOT the forward function's, unless alpha = 1: it takes
//               the averages for the gradients of the moments. With alpha = 1 it is BatchNorm's.
//               In evaluation that of the forward function.
//   throws:     ValueError unless channels >= 1, epsilon > 0 in float32 as well, alpha in (0,1]; forward:
//               ShapeError; DTypeError; ValueError in training for no row, or one row if alpha = 1 (otherwise
//               one is enough); for one row, whatever alpha, while the layer recalibrates, as the statistics
//               of one row have no variance
class FullNorm final : public Layer<FullNorm>, public RunningNorm {
 public:
  explicit FullNorm(Index channels, const FullNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override { return normalize(x, context); }
  std::string kind() const override { return "full_norm"; }
  PyTorchLayout pytorch_layout() const override;

  const FullNormOptions& options() const { return options_; }

  Buffer running_var;
  Buffer mean_gradient;
  Buffer second_moment_gradient;

 private:
  Variable normalize_by(const Variable& x, const BatchStatistics& batch, Activation activation) override;
  void take_up(const BatchStatistics& batch, Index rows, double share) override;
  Buffer& running_spread() override { return running_var; }

  FullNormOptions options_;
};

}  // namespace keel::nn
