// Weight Normalization (Salimans & Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate
// Training of Deep Neural Networks", arXiv:1602.07868) of a Dense or a Conv2d.
#pragma once

#include "keel/nn/activated_layer.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/mean_only_batch_norm.h"

namespace keel::nn {

struct WeightNormOptions {
  // Section 3: from the first batch in training. Otherwise the layer starts as the one it was made of.
  bool data_dependent_init = true;
  // Section 4: a MeanOnlyBatchNorm behind the layer, whose b takes the place of the layer's bias.
  bool mean_only_batch_norm = false;
  std::optional<double> momentum = 0.1;  // of its running mean
};

// y = layer(x) with each output unit's weights w = g v / |v|, where |v| is the norm of all that belong to the
// unit (of a convolution: kernel and input channels).
//   shapes:     those of the layer it was made of
//   parameters: weight_g (g) [outputs], |w| at first; weight_v (v), of the layer's weight's shape and values;
//               bias [outputs] if the layer has one; with mean_only_batch_norm that is
//               mean_only_batch_norm.bias, 0 at first
//   buffers:    initialized int32 [1]; those of mean_only_batch_norm
//   gradient:   dg += dw . v / |v|     dv += g / |v| (dw - (dw . v / |v|) v / |v|), which is orthogonal to v;
//               x and bias as in the layer
//   throws:     ValueError if a unit's weights are all 0, a convolution has an activation of its own, or
//               momentum is not in [0,1]; forward: as the layer and initialize()
class WeightNorm final : public ActivatedLayer<WeightNorm> {
 public:
  // Takes over values and options, not the layer itself.
  explicit WeightNorm(const Dense& layer, const WeightNormOptions& options = {});
  explicit WeightNorm(const Conv2d& layer, const WeightNormOptions& options = {});
  std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                            Context& context) override;
  std::string kind() const override { return "weight_norm"; }
  PyTorchLayout pytorch_layout() const override;

  // Sets g = 1 / deviation(t) and bias = -mean(t) / deviation(t) of each unit for t = layer(x) with w = v /
  // |v| and without bias, so that the outputs for this batch have mean 0 and variance 1, as behind BatchNorm.
  // With mean_only_batch_norm only g. A unit whose t hardly differs between rows, with a deviation of at most
  // 1e-5, keeps its g (the authors' code bounds g alike, by 1 / sqrt(variance + 1e-10)); one whose t is not
  // finite keeps g and bias. Done once by forward() in training, if it has not been done before and
  // data_dependent_init is on.
  //   throws: ValueError if there is only one row; what the layer throws
  void initialize(const Variable& x);

  Parameter weight_g;
  Parameter weight_v;
  Parameter bias;
  Buffer initialized;
  Child<MeanOnlyBatchNorm> mean_only_batch_norm;

 private:
  void start(const Variable& weight, const Variable& layer_bias);
  Variable apply(const Variable& x, const Variable& weight, const Variable& shift,
                 Activation activation) const;

  WeightNormOptions options_;
  std::optional<Conv2dOptions> convolution_;  // nothing: dense
};

}  // namespace keel::nn
