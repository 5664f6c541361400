#include "keel/nn/batch_renorm.h"

#include <algorithm>
#include <cmath>

#include "keel/ops/arithmetic.h"
#include "nn/running_statistics.h"
#include "ops/mapped.h"

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
    : RunningNorm(kKind, channels, options.epsilon), options_(options) {
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

std::optional<Variable> BatchRenorm::forward_activated(const Variable& x, Activation activation,
                                                       Context& context) {
  return normalize(x, context, activation);
}

Variable BatchRenorm::normalize_by(const Variable& x, const BatchStatistics& batch, Activation activation) {
  const double epsilon = options_.epsilon, r_limit = r_max(), d_limit = d_max();
  const auto ratio = [=](double own, double old) { return std::clamp(own / old, 1 / r_limit, r_limit); };
  const auto step = [=](double own, double old, double unit) {
    return std::clamp((own - old) / unit, -d_limit, d_limit);
  };
  const Tensor& old_deviation = running_deviation.value();
  const Tensor deviation = mapped([=](double v) { return std::sqrt(v + epsilon); }, batch.variance);
  const Tensor r = mapped(ratio, deviation, old_deviation);
  const Tensor d = mapped(step, batch.mean, running_mean.value(), old_deviation);
  blend(running_mean, batch.mean, options_.momentum);
  blend(running_deviation, deviation, options_.momentum);
  count_batch(num_batches_tracked);
  const Variable factor(r.to(x.dtype())), offset(d.to(x.dtype()));
  const Variable gamma = weight.defined() ? weight * factor : factor;
  const Variable scaled = weight.defined() ? weight * offset : offset;
  return batch_norm(x, gamma, bias.defined() ? bias + scaled : scaled, batch, epsilon, activation);
}

// The mean over batches is of the variances, not of the deviations.
void BatchRenorm::take_up(const BatchStatistics& batch, Index rows, double share) {
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  const auto together = [=, epsilon = options_.epsilon](double old, double variance) {
    return std::sqrt((1 - share) * old * old + share * (unbiased * variance + epsilon));
  };
  blend(running_mean, batch.mean, share);
  blend(running_deviation, mapped(together, running_deviation.value(), batch.variance), 1);
}

// The running deviation has epsilon in it, the operation adds it.
Tensor BatchRenorm::running_variance() {
  const auto without = [epsilon = options_.epsilon](double deviation) {
    return std::max(deviation * deviation - epsilon, 0.0);  // NaN stays NaN
  };
  return mapped(without, running_deviation.value());
}

PyTorchLayout BatchRenorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no Batch Renormalization"};
}

}  // namespace keel::nn
