#include "keel/nn/batch_renorm.h"

#include <algorithm>
#include <cmath>

#include "keel/ops/arithmetic.h"
#include "nn/running_statistics.h"

namespace keel::nn {
namespace {

constexpr const char* kKind = "batch_renorm";

// How far a limit has gone from 0 to 1 after so many batches.
double relaxation(double batches, Index begin, Index end) {
  if (batches >= static_cast<double>(end)) return 1;
  return std::max(0.0, (batches - static_cast<double>(begin)) / static_cast<double>(end - begin));
}

}  // namespace

BatchRenorm::BatchRenorm(Index channels, const BatchRenormOptions& options)
    : channels_(channels), options_(options) {
  check_norm(kKind, channels, options.epsilon);
  check_share(kKind, "a momentum", options.momentum);
  check<ValueError>(options.r_max >= 1 && std::isfinite(options.r_max),
                    "[batch_renorm] expected r_max >= 1, found {}", options.r_max);
  check<ValueError>(options.d_max >= 0 && std::isfinite(options.d_max),
                    "[batch_renorm] expected d_max >= 0, found {}", options.d_max);
  check<ValueError>(
      options.relaxation_begin >= 0 && options.r_max_end >= options.relaxation_begin &&
          options.d_max_end >= options.relaxation_begin,
      "[batch_renorm] expected 0 <= relaxation_begin <= r_max_end, d_max_end, found {}, {} and {}",
      options.relaxation_begin, options.r_max_end, options.d_max_end);
  if (options.scale) weight = parameter("weight", Tensor::ones({channels}));
  if (options.center) bias = parameter("bias", Tensor::zeros({channels}));
  running_mean = buffer("running_mean", Tensor::zeros({channels}));
  running_deviation = buffer("running_deviation", Tensor::ones({channels}));
  num_batches_tracked = buffer("num_batches_tracked", Tensor::zeros({1}, DType::int32));
}

double BatchRenorm::r_max() const {
  return 1 + (options_.r_max - 1) *
                 relaxation(num_batches_tracked.item(), options_.relaxation_begin, options_.r_max_end);
}

double BatchRenorm::d_max() const {
  return options_.d_max *
         relaxation(num_batches_tracked.item(), options_.relaxation_begin, options_.d_max_end);
}

Variable BatchRenorm::forward(const Variable& x, Context& context) {
  return *forward_activated(x, Activation::none, context);
}

std::optional<Variable> BatchRenorm::forward_activated(const Variable& x, Activation activation,
                                                       Context& context) {
  check_norm_input(kKind, x, channels_, running_mean);
  const double epsilon = options_.epsilon;
  if (!context.training() && !recalibrated_) {
    // The running deviation has epsilon in it, the operation adds it.
    Tensor variance = running_deviation.value().to(DType::float64).clone();
    for (Index c = 0; c < channels_; ++c) {
      double& value = variance.data<double>()[c];
      value = std::max(value * value - epsilon, 0.0);  // NaN stays NaN
    }
    return batch_norm_inference(x, weight, bias, {running_mean.value(), variance}, epsilon, activation);
  }
  check_rows(kKind, x, channels_,
             recalibrated_ ? "to recalibrate, as one row has no variance" : "in training");
  check_no_mask(kKind, context);
  const BatchStatistics batch = batch_statistics(x.value());
  if (recalibrated_) {
    recalibrate_with(batch, x.value().numel() / channels_);
    return batch_norm(x, weight, bias, batch, epsilon, activation);
  }
  Tensor deviation = Tensor::like(batch.variance);
  Tensor r = Tensor::like(deviation), d = Tensor::like(deviation);
  const Tensor old_mean = running_mean.value().to(DType::float64);
  const Tensor old_deviation = running_deviation.value().to(DType::float64);
  const double r_limit = r_max(), d_limit = d_max();
  for (Index c = 0; c < channels_; ++c) {
    const double old = old_deviation.data<double>()[c];
    const double of_batch = std::sqrt(batch.variance.data<double>()[c] + epsilon);
    const double shift = (batch.mean.data<double>()[c] - old_mean.data<double>()[c]) / old;
    deviation.data<double>()[c] = of_batch;
    r.data<double>()[c] = std::clamp(of_batch / old, 1 / r_limit, r_limit);
    d.data<double>()[c] = std::clamp(shift, -d_limit, d_limit);
  }
  blend(running_mean, batch.mean, options_.momentum);
  blend(running_deviation, deviation, options_.momentum);
  count_batch(num_batches_tracked);
  const Variable factor(r.to(x.dtype())), offset(d.to(x.dtype()));
  const Variable gamma = weight.defined() ? weight * factor : factor;
  const Variable scaled = weight.defined() ? weight * offset : offset;
  return batch_norm(x, gamma, bias.defined() ? bias + scaled : scaled, batch, epsilon, activation);
}

void BatchRenorm::recalibrate(bool on) {
  if (on) {
    running_mean.mutable_value().fill(0);
    running_deviation.mutable_value().fill(1);
  }
  recalibrated_ = on ? std::optional<Index>(0) : std::nullopt;
}

// The mean over batches is of the variances, not of the deviations.
void BatchRenorm::recalibrate_with(const BatchStatistics& batch, Index rows) {
  const double share = 1 / static_cast<double>(++*recalibrated_);
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  Tensor deviation = running_deviation.value().to(DType::float64).clone();
  for (Index c = 0; c < channels_; ++c) {
    double& value = deviation.data<double>()[c];
    const double of_batch = unbiased * batch.variance.data<double>()[c] + options_.epsilon;
    value = std::sqrt((1 - share) * value * value + share * of_batch);
  }
  blend(running_mean, batch.mean, share);
  blend(running_deviation, deviation, 1);
}

PyTorchLayout BatchRenorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no Batch Renormalization"};
}

}  // namespace keel::nn
