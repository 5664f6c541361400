#include "keel/nn/full_norm.h"

#include "keel/ops/arithmetic.h"
#include "keel/ops/full_norm.h"
#include "nn/running_statistics.h"

namespace keel::nn {

FullNorm::FullNorm(Index channels, const FullNormOptions& options) : channels_(channels), options_(options) {
  check_norm("full_norm", channels, options.epsilon);
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

Variable FullNorm::forward(const Variable& x, Context& context) {
  check_norm_input("full_norm", x, channels_, running_mean);
  if (!context.training() && !recalibrated_) {
    return batch_norm_inference(x, weight, bias, {running_mean.value(), running_var.value()},
                                options_.epsilon);
  }
  if (recalibrated_) {
    check_rows("full_norm", x, channels_, "to recalibrate, as one row has no variance");
  } else if (options_.alpha == 1) {
    check_rows("full_norm", x, channels_);
  }
  check_no_mask("full_norm", context);
  const BatchStatistics batch = batch_statistics(x.value());
  if (recalibrated_) {
    update_statistics(batch, 1 / static_cast<double>(++*recalibrated_));
    return batch_norm(x, weight, bias, batch, options_.epsilon);
  }
  update_statistics(batch, options_.alpha);
  const Variable xhat = full_norm(x, running_mean.value(), running_var.value(),
                                  {mean_gradient.mutable_value(), second_moment_gradient.mutable_value()},
                                  options_.alpha, options_.epsilon);
  return xhat * weight + bias;
}

void FullNorm::update_statistics(const BatchStatistics& batch, double alpha) {
  const Tensor old_mean = running_mean.value().to(DType::float64);
  // The variance of a batch around the mean of before counts as its own and that of the means.
  Tensor spread = Tensor::like(batch.variance);
  for (Index c = 0; c < channels_; ++c) {
    const double step = batch.mean.data<double>()[c] - old_mean.data<double>()[c];
    spread.data<double>()[c] = batch.variance.data<double>()[c] + (1 - alpha) * step * step;
  }
  blend(running_mean, batch.mean, alpha);
  blend(running_var, spread, alpha);
}

void FullNorm::recalibrate(bool on) {
  if (on) {
    running_mean.mutable_value().fill(0);
    running_var.mutable_value().fill(1);
  }
  recalibrated_ = on ? std::optional<Index>(0) : std::nullopt;
}

PyTorchLayout FullNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no Full Normalization"};
}

}  // namespace keel::nn
