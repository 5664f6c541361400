// Batch Normalization with noise behind it: a probe of why it works (Santurkar et al., "How Does Batch
// Normalization Help Optimization?", arXiv:1805.11604, section 2.1). Not for models that are meant to be
// good.
#pragma once

#include "keel/nn/batch_norm.h"

namespace keel::nn {

struct NoisyBatchNormOptions {
  double shift = 0.5;       // a: at least 0
  double max_scale = 1.25;  // b: at least 1
  BatchNormOptions norm = {};
};

// Training:   y = scale batch_norm(x) + shift
//             for each channel a scale from U(1, b) and a shift from U(-a, a), drawn anew for each forward
//             pass from the context's stream. So what the next layer gets has another mean and variance at
//             each step, the covariate shift that normalisation is said to take away. (The paper adds a
//             smaller noise for each example, which this leaves out.)
// Evaluation: y = batch_norm(x)
//   shapes:     [..., C] -> the same, at least two axes
//   parameters, buffers: those of the BatchNorm inside, as "norm.weight" and so on; recalibration
//               (keel/train/recalibrate.h) finds it, and draws no noise
//   gradient:   x and the parameters inside, with the noise as a constant
//   throws:     ValueError unless a >= 0, b >= 1, both finite; what BatchNorm throws
class NoisyBatchNorm final : public Layer<NoisyBatchNorm> {
 public:
  explicit NoisyBatchNorm(Index channels, const NoisyBatchNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "noisy_batch_norm"; }
  PyTorchLayout pytorch_layout() const override;

  Child<BatchNorm> norm;

 private:
  double shift_;
  double max_scale_;
};

}  // namespace keel::nn
