#include "keel/nn/timestep_batch_norm.h"

#include <algorithm>
#include <vector>

#include "keel/core/tensor_ops.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/batch_norm.h"
#include "keel/ops/layout.h"
#include "nn/running_statistics.h"

namespace keel::nn {
namespace {

// A parameter [C] for each of some steps: [steps * C].
Variable repeated(const Variable& parameter, Index steps) {
  if (!parameter.defined() || steps == 1) return parameter;
  const Variable ones(Tensor::ones({steps, 1}, parameter.dtype()));
  return reshape(ones * parameter, {steps * parameter.shape()[0]});
}

}  // namespace

TimestepBatchNorm::TimestepBatchNorm(Index timesteps, Index channels, const BatchNormOptions& options)
    : channels_(channels), options_(options) {
  const BatchNorm checked(channels, options);
  check<ValueError>(timesteps >= 1, "[timestep_batch_norm] expected at least 1 timestep, found {}",
                    timesteps);
  check<ValueError>(options.track_running_stats,
                    "[timestep_batch_norm] expected running statistics, which evaluation needs");
  if (options.scale) weight = parameter("weight", Tensor::full({channels}, options.initial_gamma));
  if (options.center) bias = parameter("bias", Tensor::full({channels}, options.initial_beta));
  const Shape rows{timesteps, channels};
  running_mean = buffer("running_mean", Tensor::full(rows, options.initial_running_mean));
  running_var = buffer("running_var", Tensor::full(rows, options.initial_running_var));
  num_batches_tracked = buffer("num_batches_tracked", Tensor::zeros({timesteps}, DType::int32));
}

Variable TimestepBatchNorm::forward(const Variable& x, Context& context) {
  const Shape& shape = x.shape();
  check<ShapeError>(shape.rank() == 3 && shape[1] >= 1 && shape[2] == channels_,
                    "[timestep_batch_norm] expected sequences [N,T,{}] of at least one step, found {}",
                    channels_, shape);
  // Each step's channels are channels of their own.
  const Variable y = normalize(reshape(x, {shape[0], shape[1] * channels_}), 0, shape[1], context);
  return reshape(y, shape);
}

Variable TimestepBatchNorm::at(const Variable& x, Index t, Context& context) {
  check<ShapeError>(x.shape().rank() == 2 && x.shape()[1] == channels_ && t >= 0,
                    "[timestep_batch_norm] expected a step [N,{}] from 0 on, found {} at step {}", channels_,
                    x.shape(), t);
  return normalize(x, t, 1, context);
}

Variable TimestepBatchNorm::normalize(const Variable& x, Index first, Index steps, Context& context) {
  check<DTypeError>(x.dtype() == running_mean.dtype(),
                    "[timestep_batch_norm] expected {} elements as in the layer, found {}",
                    name_of(running_mean.dtype()), name_of(x.dtype()));
  const Variable gamma = repeated(weight, steps), beta = repeated(bias, steps);
  if (!context.training() && !recalibrating_) {
    return batch_norm_inference(x, gamma, beta,
                                {rows_for(running_mean, first, steps), rows_for(running_var, first, steps)},
                                options_.epsilon);
  }
  const Index rows = x.shape()[0];
  check<ValueError>(rows > 1,
                    "[timestep_batch_norm] expected more than one example in training, found {}: use larger "
                    "batches, or drop the incomplete last batch",
                    rows);
  check_no_mask("timestep_batch_norm", context);
  BatchNormResult result = batch_norm(x, gamma, beta, options_.epsilon);
  const Tensor mean = result.statistics.mean.reshape({steps, channels_});
  const Tensor variance = result.statistics.variance.reshape({steps, channels_});
  for (Index i = 0; i < steps && first + i < running_mean.shape()[0]; ++i) {
    update_running_statistics(mean.rows(i, i + 1), variance.rows(i, i + 1), first + i, rows);
  }
  return result.y;
}

// running = (1 - share) running + share batch, in row t; the variance is the unbiased one, as in BatchNorm.
void TimestepBatchNorm::update_running_statistics(const Tensor& mean, const Tensor& variance, Index t,
                                                  Index rows) {
  std::int32_t& batches = num_batches_tracked.mutable_value().data<std::int32_t>()[t];
  if (batches < INT32_MAX) ++batches;
  const double mean_share = 1.0 / static_cast<double>(batches);
  const double share = recalibrating_ ? mean_share : options_.momentum.value_or(mean_share);
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  blend(running_mean.mutable_value().rows(t, t + 1), mean, share);
  blend(running_var.mutable_value().rows(t, t + 1), affine(variance.to(DType::float64), unbiased, 0), share);
}

void TimestepBatchNorm::recalibrate(bool on) {
  if (on) {
    running_mean.mutable_value().fill(options_.initial_running_mean);
    running_var.mutable_value().fill(options_.initial_running_var);
    num_batches_tracked.mutable_value().fill(0);
  }
  recalibrating_ = on;
}

// The statistics of some steps, [steps * C]; beyond the last step that was tracked, that step's.
Tensor TimestepBatchNorm::rows_for(const Buffer& statistics, Index first, Index steps) const {
  const std::span<const std::int32_t> batches = num_batches_tracked.value().values<std::int32_t>();
  Index last = static_cast<Index>(batches.size()) - 1;
  while (last > 0 && batches[static_cast<std::size_t>(last)] == 0) --last;
  std::vector<std::int32_t> indices(static_cast<std::size_t>(steps));
  for (Index i = 0; i < steps; ++i) {
    indices[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(std::min(first + i, last));
  }
  return gather_rows(statistics.value(), indices).reshape({steps * channels_});
}

PyTorchLayout TimestepBatchNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch's BatchNorm has the same statistics at all timesteps"};
}

}  // namespace keel::nn
