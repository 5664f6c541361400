#include "keel/nn/full_norm.h"

#include "keel/ops/arithmetic.h"
#include "keel/ops/full_norm.h"
#include "nn/running_statistics.h"
#include "ops/mapped.h"

namespace keel::nn {

FullNorm::FullNorm(Index channels, const FullNormOptions& options)
    : RunningNorm("full_norm", channels, options.epsilon, options.alpha < 1), options_(options) {
  check<ValueError>(options.alpha > 0 && options.alpha <= 1,
                    "[full_norm] expected alpha in (0,1], the weight of the new batch, found {}",
                    options.alpha);
  weight = parameter("weight", Tensor::ones({channels}));
  bias = parameter("bias", Tensor::zeros({channels}));
  running_mean = buffer("running_mean", Tensor::zeros({channels}));
  running_var = buffer("running_var", Tensor::ones({channels}));
  mean_gradient = buffer("mean_gradient", Tensor::zeros({channels}));
  second_moment_gradient = buffer("second_moment_gradient", Tensor::zeros({channels}));
}

// Without an activation, as there is no forward_activated() here.
Variable FullNorm::normalize_by(const Variable& x, const BatchStatistics& batch, Activation) {
  take_up(batch, x.value().numel() / x.shape()[-1], options_.alpha);
  const Variable xhat = full_norm(x, running_mean.value(), running_var.value(),
                                  {mean_gradient.mutable_value(), second_moment_gradient.mutable_value()},
                                  options_.alpha, options_.epsilon);
  return xhat * weight + bias;
}

void FullNorm::take_up(const BatchStatistics& batch, Index, double share) {
  // The variance of a batch around the mean of before counts as its own and that of the means.
  const auto around_old = [=](double variance, double mean, double old_mean) {
    const double step = mean - old_mean;
    return variance + (1 - share) * step * step;
  };
  const Tensor spread = mapped(around_old, batch.variance, batch.mean, running_mean.value());
  blend(running_mean, batch.mean, share);
  blend(running_var, spread, share);
}

PyTorchLayout FullNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no Full Normalization"};
}

}  // namespace keel::nn
