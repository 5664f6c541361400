#include "keel/nn/mean_only_batch_norm.h"

#include "keel/ops/arithmetic.h"
#include "nn/running_statistics.h"

namespace keel::nn {
namespace {

constexpr const char* kKind = "mean_only_batch_norm";

}  // namespace

MeanOnlyBatchNorm::MeanOnlyBatchNorm(Index channels, const MeanOnlyBatchNormOptions& options)
    : channels_(channels), momentum_(options.momentum) {
  check<ValueError>(channels >= 1, "[{}] expected at least 1 channel, found {}", kKind, channels);
  check_share(kKind, "a momentum", options.momentum.value_or(0));
  if (options.center) bias = parameter("bias", Tensor::zeros({channels}));
  running_mean = buffer("running_mean", Tensor::zeros({channels}));
  num_batches_tracked = buffer("num_batches_tracked", Tensor::zeros({1}, DType::int32));
}

Variable MeanOnlyBatchNorm::forward(const Variable& x, Context& context) {
  check_norm_input(kKind, x, channels_, running_mean);
  Variable centre = running_mean.detach();
  if (context.training() || recalibrating_) {
    check_rows(kKind, x, channels_, recalibrating_ ? "to recalibrate" : "in training");
    check_no_mask(kKind, context);
    centre = mean(x, over_rows(x.shape()));
    count_batch(num_batches_tracked);
    const double share = 1 / num_batches_tracked.item();
    blend(running_mean, centre.value(), recalibrating_ ? share : momentum_.value_or(share));
  }
  const Variable y = x - centre;
  return bias.defined() ? y + bias : y;
}

void MeanOnlyBatchNorm::recalibrate(bool on) {
  if (on) {
    running_mean.mutable_value().fill(0);
    num_batches_tracked.mutable_value().fill(0);
  }
  recalibrating_ = on;
}

PyTorchLayout MeanOnlyBatchNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no BatchNorm of the mean only"};
}

}  // namespace keel::nn
