#include "keel/nn/running_norm.h"

#include "nn/norm_checks.h"

namespace keel::nn {

RunningNorm::RunningNorm(const char* kind, Index channels, double epsilon, bool one_row)
    : kind_(kind), channels_(channels), epsilon_(epsilon), one_row_(one_row) {
  check_norm(kind, channels, epsilon);
}

Variable RunningNorm::normalize(const Variable& x, Context& context, Activation activation) {
  check_norm_input(kind_, x, channels_, running_mean);
  if (!context.training() && !recalibrated_) {
    return batch_norm_inference(x, weight, bias, {running_mean.value(), running_variance()}, epsilon_,
                                activation);
  }
  if (recalibrated_) {
    check_rows(kind_, x, channels_, "to recalibrate, as one row has no variance");
  } else if (!one_row_) {
    check_rows(kind_, x, channels_);
  }
  check_no_mask(kind_, context);
  const BatchStatistics batch = batch_statistics(x.value());
  if (!recalibrated_) return normalize_by(x, batch, activation);
  take_up(batch, x.value().numel() / channels_, 1 / static_cast<double>(++*recalibrated_));
  return batch_norm(x, weight, bias, batch, epsilon_, activation);
}

void RunningNorm::recalibrate(bool on) {
  if (on) {
    running_mean.mutable_value().fill(0);
    running_spread().mutable_value().fill(1);
  }
  recalibrated_ = on ? std::optional<Index>(0) : std::nullopt;
}

}  // namespace keel::nn
