#include "keel/nn/weight_norm.h"

#include <cmath>

#include "keel/ops/arithmetic.h"
#include "keel/ops/batch_norm.h"
#include "keel/ops/dense.h"
#include "keel/ops/elementwise.h"
#include "nn/running_statistics.h"

namespace keel::nn {
namespace {

// Below this, 1 / sqrt(variance) would make a scale of what is hardly more than rounding.
constexpr double kLeastVariance = 1e-10;

// Of each unit: the last axis holds the units.
Variable norms_of(const Variable& v) { return sqrt(sum(v * v, over_rows(v.shape()))); }

}  // namespace

WeightNorm::WeightNorm(const Dense& layer, const WeightNormOptions& options) : options_(options) {
  start(layer.weight, layer.bias);
}

WeightNorm::WeightNorm(const Conv2d& layer, const WeightNormOptions& options)
    : options_(options), convolution_(layer.convolution()) {
  check<ValueError>(convolution_->activation == Activation::none,
                    "[weight_norm] expected a conv2d without an activation of its own: put it behind");
  start(layer.weight, layer.bias);
}

void WeightNorm::start(const Variable& weight, const Variable& layer_bias) {
  const Variable norms = norms_of(weight.detach());
  const Index units = norms.shape()[0];
  for (Index unit = 0; unit < units; ++unit) {
    check<ValueError>(norms.value().at({unit}) > 0,
                      "[weight_norm] expected weights other than 0 in each unit, found none in unit {}: they "
                      "have no direction",
                      unit);
  }
  weight_g = parameter("weight_g", norms.value().clone());
  weight_v = parameter("weight_v", weight.value().clone());
  const bool has_bias = layer_bias.defined();
  if (has_bias && !options_.mean_only_batch_norm) bias = parameter("bias", layer_bias.value().clone());
  initialized = buffer("initialized", Tensor::zeros({1}, DType::int32));
  if (!options_.mean_only_batch_norm) return;
  const MeanOnlyBatchNormOptions norm{.momentum = options_.momentum, .center = has_bias};
  mean_only_batch_norm = child("mean_only_batch_norm", std::make_shared<MeanOnlyBatchNorm>(units, norm));
}

Variable WeightNorm::apply(const Variable& x, const Variable& weight, const Variable& shift,
                           Activation activation) const {
  if (!convolution_) return dense(x, weight, shift, activation);
  Conv2dOptions options = *convolution_;
  options.activation = activation;
  return conv2d(x, weight, shift, options);
}

std::optional<Variable> WeightNorm::forward_activated(const Variable& x, Activation activation,
                                                      Context& context) {
  if (options_.mean_only_batch_norm && activation != Activation::none) return {};
  if (context.training() && options_.data_dependent_init && initialized.item() == 0) {
    check_no_mask("weight_norm", context);
    initialize(x);
  }
  const Variable y = apply(x, weight_v * (weight_g / norms_of(weight_v)), bias, activation);
  return options_.mean_only_batch_norm ? mean_only_batch_norm(y, context) : y;
}

void WeightNorm::initialize(const Variable& x) {
  const NoGrad no_grad;
  const Variable t = apply(x, weight_v / norms_of(weight_v), {}, Activation::none);
  const Index units = t.shape()[-1];
  check<ValueError>(t.value().numel() > units,
                    "[weight_norm] expected a first batch of more than one value per unit, found input {}: "
                    "use larger batches, or no data-dependent initialisation",
                    x.shape());
  const BatchStatistics statistics = batch_statistics(t.value());
  dispatch_floating("weight_norm", weight_g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* const g = weight_g.mutable_value().data<T>();
    T* const b = bias.defined() ? bias.mutable_value().data<T>() : nullptr;
    for (Index unit = 0; unit < units; ++unit) {
      const double mean = statistics.mean.data<double>()[unit];
      const double variance = statistics.variance.data<double>()[unit];
      if (!std::isfinite(variance)) continue;
      if (variance > kLeastVariance) g[unit] = static_cast<T>(1 / std::sqrt(variance));
      if (b != nullptr) b[unit] = static_cast<T>(-mean * static_cast<double>(g[unit]));
    }
  });
  initialized.mutable_value().fill(1);
}

PyTorchLayout WeightNorm::pytorch_layout() const {
  return {.mixes_features = true, .no_equivalent = "PyTorch's weight_norm is no layer, but a change of one"};
}

}  // namespace keel::nn
