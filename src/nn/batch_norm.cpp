#include "keel/nn/batch_norm.h"

#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/ops/batch_norm.h"
#include "keel/ops/layout.h"
#include "nn/running_statistics.h"

namespace keel::nn {

BatchNorm::BatchNorm(Index channels, const BatchNormOptions& options)
    : channels_(channels), options_(options) {
  check_norm("batch_norm", channels, options.epsilon);
  check_share("batch_norm", "a momentum", options.momentum.value_or(0));
  check<ValueError>(
      options.initial_running_var >= 0 && std::isfinite(options.initial_running_var) &&
          std::isfinite(options.initial_running_mean),
      "[batch_norm] expected finite initial statistics and a variance of at least 0, found mean {} and "
      "variance {}",
      options.initial_running_mean, options.initial_running_var);
  if (options.scale) weight = parameter("weight", Tensor::full({channels}, options.initial_gamma));
  if (options.center) bias = parameter("bias", Tensor::full({channels}, options.initial_beta));
  if (!options.track_running_stats) return;
  running_mean = buffer("running_mean", Tensor::full({channels}, options.initial_running_mean));
  running_var = buffer("running_var", Tensor::full({channels}, options.initial_running_var));
  num_batches_tracked = buffer("num_batches_tracked", Tensor::zeros({1}, DType::int32));
}

std::optional<Variable> BatchNorm::forward_activated(const Variable& x, Activation activation,
                                                     Context& context) {
  const int rank = x.shape().rank(), axis = options_.axis < 0 ? options_.axis + rank : options_.axis;
  if (options_.axis == -1 || axis == rank - 1) return normalize_last(x, activation, context);
  check<ShapeError>(axis >= 0 && axis < rank && x.shape()[axis] == channels_,
                    "[batch_norm] expected an input with {} channels in axis {}, found {}", channels_,
                    options_.axis, x.shape());
  std::vector<int> there, back(static_cast<std::size_t>(rank));
  for (int i = 0; i < rank; ++i) {
    if (i != axis) there.push_back(i);
  }
  there.push_back(axis);
  for (int i = 0; i < rank; ++i) back[static_cast<std::size_t>(there[static_cast<std::size_t>(i)])] = i;
  return transpose(normalize_last(transpose(x, there), activation, context), back);
}

Variable BatchNorm::normalize_last(const Variable& x, Activation activation, Context& context) {
  check_norm_input("batch_norm", x, channels_, running_mean);
  const bool records = !frozen_ && (context.training() || recalibrating_);
  const bool use_batch = records || !options_.track_running_stats;
  if (!use_batch) {
    return batch_norm_inference(x, weight, bias, {running_mean.value(), running_var.value()},
                                options_.epsilon, activation);
  }
  const Index rows = x.value().numel() / channels_;
  check<ValueError>(rows > 1, "[batch_norm] expected more than one value per channel {}, found input {}: {}",
                    context.training() ? "in training" : "where batch statistics are used", x.shape(),
                    remedies(records));
  const Tensor& mask = context.mask();
  const BatchNormResult result = mask.defined()
                                     ? masked_batch_norm(x, weight, bias, mask, options_.epsilon, activation)
                                     : batch_norm(x, weight, bias, options_.epsilon, activation);
  check<ValueError>(result.rows > 1,
                    "[batch_norm] expected more than one value per channel, found input {} and a mask that "
                    "leaves 1: {}",
                    x.shape(), remedies(records));
  if (records && options_.track_running_stats) {
    update_running_statistics(result.statistics.mean, result.statistics.variance, result.rows);
  }
  return result.y;
}

// What helps against a batch of one row.
const char* BatchNorm::remedies(bool records) const {
  if (!records) return "use larger batches, or a layer with running statistics";
  // Only a layer with running statistics can be frozen.
  return options_.track_running_stats
             ? "use larger batches, drop the incomplete last batch, or freeze() the layer"
             : "use larger batches, or drop the incomplete last batch";
}

// running = (1 - weight) running + weight batch
void BatchNorm::update_running_statistics(const Tensor& mean, const Tensor& variance, Index rows) {
  count_batch(num_batches_tracked);
  const double share = 1 / num_batches_tracked.item();
  const double weight_of_batch = recalibrating_ ? share : options_.momentum.value_or(share);
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  blend(running_mean, mean, weight_of_batch);
  blend(running_var, affine(variance.to(DType::float64), unbiased, 0), weight_of_batch);
}

void BatchNorm::freeze(bool frozen) {
  check(options_.track_running_stats, "[batch_norm] only a layer with running statistics can be frozen");
  frozen_ = frozen;
}

void BatchNorm::recalibrate(bool on) {
  check(options_.track_running_stats, "[batch_norm] there are no running statistics to recalibrate");
  if (on && !frozen_) reset_running_stats();
  recalibrating_ = on;
}

void BatchNorm::reset_running_stats() {
  check(options_.track_running_stats, "[batch_norm] there are no running statistics to reset");
  running_mean.mutable_value().fill(options_.initial_running_mean);
  running_var.mutable_value().fill(options_.initial_running_var);
  num_batches_tracked.mutable_value().fill(0);
}

PyTorchLayout BatchNorm::pytorch_layout() const {
  const PyTorchTensor of_features = {.input_features = 0};
  return {.tensors = {{"weight", of_features},
                      {"bias", of_features},
                      {"running_mean", of_features},
                      {"running_var", of_features},
                      {"num_batches_tracked", {.int64_scalar = true}}},
          .input_ranks = {2, 4},
          .no_equivalent = options_.axis != -1 ? "its channels are not in the last axis"
                           : options_.scale == options_.center
                               ? ""
                               : "PyTorch's has both scale and center, or neither"};
}

}  // namespace keel::nn
