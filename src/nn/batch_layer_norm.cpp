#include "keel/nn/batch_layer_norm.h"

#include <algorithm>
#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/group_norm.h"
#include "keel/ops/layout.h"
#include "keel/ops/reduction.h"
#include "nn/running_statistics.h"

namespace keel::nn {
namespace {

constexpr const char* kKind = "batch_layer_norm";

// Along one axis, with a mean and a variance of the population where they are defined.
Variable normalized(const Variable& x, int axis, const Variable& population_mean,
                    const Variable& population_var, double epsilon) {
  const ReductionOptions along = {.axes = {axis}, .keep_dims = true};
  const bool own = !population_mean.defined() || !population_var.defined();
  const Variable centred = own ? x - mean(x, along) : Variable();
  const Variable variance = population_var.defined() ? population_var : mean(centred * centred, along);
  return (population_mean.defined() ? x - population_mean : centred) / sqrt(variance + epsilon);
}

}  // namespace

BatchLayerNorm::BatchLayerNorm(const Shape& example, const BatchLayerNormOptions& options)
    : example_(example), channels_(example.rank() > 0 ? example[-1] : 0), options_(options) {
  check<ValueError>(channels_ >= 2, "[{}] expected examples of at least 2 channels, found {}", kKind,
                    example);
  check_norm(kKind, example.numel(), options.epsilon);
  check_share(kKind, "a momentum", options.momentum.value_or(0));
  check<ValueError>(options.batch_size >= 0 && options.batch_size <= INT32_MAX,
                    "[{}] expected a batch_size of at least 0, found {}", kKind, options.batch_size);
  check<ValueError>(options.reset_every >= 0, "[{}] expected reset_every of at least 0, found {}", kKind,
                    options.reset_every);
  check<ValueError>(options.reset_every == 0 || !options.momentum.has_value(),
                    "[{}] expected reset_every only for the mean over batches (no momentum), found it with "
                    "momentum {}",
                    kKind, options.momentum.value_or(0));
  const Index elements = example.numel(), positions = elements / channels_;
  weight = parameter("weight", Tensor::ones({channels_}));
  bias = parameter("bias", Tensor::zeros({channels_}));
  running_batch_mean = buffer("running_batch_mean", Tensor::zeros({elements}));
  running_batch_var = buffer("running_batch_var", Tensor::ones({elements}));
  running_feature_mean = buffer("running_feature_mean", Tensor::zeros({positions}));
  running_feature_var = buffer("running_feature_var", Tensor::ones({positions}));
  num_batches_tracked = buffer("num_batches_tracked", Tensor::zeros({1}, DType::int32));
  batch_size = buffer("batch_size", Tensor::zeros({1}, DType::int32));
  batch_size.mutable_value().fill(static_cast<double>(options.batch_size));
  uses_population = buffer("uses_population", Tensor::zeros({4}, DType::int32));
  use_population(options.population);
}

void BatchLayerNorm::use_population(const BatchLayerNormPopulation& of) {
  uses_population.set_value(
      Tensor::from<std::int32_t>({4}, {of.batch_mean, of.batch_var, of.feature_mean, of.feature_var}));
}

BatchLayerNormPopulation BatchLayerNorm::used_population() const {
  const std::int32_t* const used = uses_population.value().data<std::int32_t>();
  return {used[0] != 0, used[1] != 0, used[2] != 0, used[3] != 0};
}

Variable BatchLayerNorm::forward(const Variable& x, Context& context) {
  const Shape& shape = x.shape();
  const Index rows = shape.rank() > 0 ? shape[0] : 0, elements = example_.numel();
  check<ShapeError>(
      shape.rank() == example_.rank() + 1 && std::equal(shape.begin() + 1, shape.end(), example_.begin()),
      "[{}] expected an input [N,...] of examples {}, found {}", kKind, example_, shape);
  check_dtype(kKind, x, weight);
  BatchLayerNormPopulation population = used_population();
  std::optional<BatchStatistics> of_batch;
  if (context.training()) {
    check<ValueError>(rows > 0, "[{}] expected at least one example in training, found input {}", kKind,
                      shape);
    check_no_mask(kKind, context);
    if (batch_size.item() == 0) batch_size.mutable_value().fill(static_cast<double>(rows));
    of_batch = batch_statistics(x.value().reshape({rows, elements}));
    update_population(x.value(), *of_batch);
    population = {false, false, false, false};
  }
  const double m = batch_size.item() > 0 ? batch_size.item() : static_cast<double>(rows);
  const double scaling = options_.sqrt_scaling ? 1 / std::sqrt(static_cast<double>(channels_)) : 1;
  const double share_f = (1 / m - 1e-4) * scaling, share_b = (1 - (1 / m + 1e-4)) * scaling;

  const Variable by_position = reshape(x, {rows, elements / channels_, channels_});
  const Variable y_f = over_features(by_position, population, weight * share_f);
  const Variable x_b = over_batch(reshape(by_position, {rows, elements}), population, of_batch);
  return reshape(y_f + reshape(x_b, by_position.shape()) * (weight * share_b), shape);
}

// x_b of [N, elements]
Variable BatchLayerNorm::over_batch(const Variable& x, const BatchLayerNormPopulation& population,
                                    const std::optional<BatchStatistics>& of_batch) const {
  const bool of_mean = population.batch_mean, of_var = population.batch_var;
  if (of_mean != of_var) {
    return normalized(x, 0, of_mean ? running_batch_mean.detach() : Variable(),
                      of_var ? running_batch_var.detach() : Variable(), options_.epsilon);
  }
  if (of_batch) return batch_norm(x, {}, {}, *of_batch, options_.epsilon);
  if (!of_mean) return batch_norm(x, {}, {}, options_.epsilon).y;
  return batch_norm_inference(x, {}, {}, {running_batch_mean.value(), running_batch_var.value()},
                              options_.epsilon);
}

// gamma x_f + beta of [N, positions, D]
Variable BatchLayerNorm::over_features(const Variable& x, const BatchLayerNormPopulation& population,
                                       const Variable& gamma) const {
  const bool of_mean = population.feature_mean, of_var = population.feature_var;
  if (!of_mean && !of_var) return layer_norm(x, gamma, bias, {.epsilon = options_.epsilon});
  const Shape positions{1, example_.numel() / channels_, 1};
  return normalized(x, 2, of_mean ? reshape(running_feature_mean, positions) : Variable(),
                    of_var ? reshape(running_feature_var, positions) : Variable(), options_.epsilon) *
             gamma +
         bias;
}

void BatchLayerNorm::update_population(const Tensor& x, const BatchStatistics& batch) {
  const BatchStatistics features = feature_statistics(x);
  const double reset_at = static_cast<double>(options_.reset_every);
  if (reset_at > 0 && num_batches_tracked.item() >= reset_at) reset_population();
  count_batch(num_batches_tracked);
  const double share = options_.momentum.value_or(1 / num_batches_tracked.item());
  const double m = batch_size.item(), unbiased = m > 1 ? m / (m - 1) : 1;
  blend(running_batch_mean, batch.mean, share);
  blend(running_batch_var, affine(batch.variance, unbiased, 0), share);
  blend(running_feature_mean, features.mean, share);
  blend(running_feature_var, affine(features.variance, unbiased, 0), share);
}

// Of each position, the means over the batch. A few examples at a time, as they are in float64.
BatchStatistics BatchLayerNorm::feature_statistics(const Tensor& x) const {
  constexpr Index kElements = 1 << 14;
  const Index rows = x.size(0), elements = example_.numel(), positions = elements / channels_;
  const Index most = std::max<Index>(kElements / elements, 1);
  const int features[] = {2}, examples[] = {0};
  Tensor means = Tensor::empty({rows, positions}, DType::float64), variances = Tensor::like(means);
  for (Index begin = 0; begin < rows; begin += most) {
    const Index end = std::min(begin + most, rows);
    const Tensor exact = x.rows(begin, end).reshape({end - begin, positions, channels_}).to(DType::float64);
    const Tensor of_rows = mean(exact, features, true), centred = subtract(exact, of_rows);
    means.rows(begin, end).copy_from(of_rows.reshape({end - begin, positions}));
    variances.rows(begin, end).copy_from(mean(multiply(centred, centred), features));
  }
  return {mean(means, examples), mean(variances, examples)};
}

void BatchLayerNorm::reset_population() {
  running_batch_mean.mutable_value().fill(0);
  running_batch_var.mutable_value().fill(1);
  running_feature_mean.mutable_value().fill(0);
  running_feature_var.mutable_value().fill(1);
  num_batches_tracked.mutable_value().fill(0);
}

PyTorchLayout BatchLayerNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no Batch Layer Normalization"};
}

}  // namespace keel::nn
