// Batch Layer Normalization (Ziaee & Cano, arXiv:2209.08898) as its authors coded it: bln_layer.py of
// github.com/A2Amir/Batch-Layer-Normalization.
#pragma once

#include "keel/nn/module.h"
#include "keel/ops/batch_norm.h"

namespace keel::nn {

// Which statistics of the population, in place of the input's own, evaluation takes. The authors try all 16
// combinations on a trained model and keep the best: choose by validation data, not by test data.
struct BatchLayerNormPopulation {
  bool batch_mean = true;
  bool batch_var = true;
  bool feature_mean = false;
  bool feature_var = false;
  bool operator==(const BatchLayerNormPopulation&) const = default;
};

struct BatchLayerNormOptions {
  // m of the formula, whatever the size of a batch that comes. 0: that of the first batch in training.
  Index batch_size = 0;
  double epsilon = 1e-3;
  bool sqrt_scaling = true;  // the 1 / sqrt(D), without which outputs have a variance near 1
  // Of the population statistics, the weight of the new batch. The authors take the mean over an epoch, anew
  // each epoch: that is momentum = nullopt with reset_every = the batches of an epoch, to be evaluated when
  // an epoch is complete. The default is good at any time, and needs to know of no epoch.
  std::optional<double> momentum = 0.1;
  Index reset_every = 0;  // batches; 0: never
  BatchLayerNormPopulation population = {};
};

// With the mean and (biased) variance of each element of an example over the batch, so of each channel at
// each position by itself, and of each position over its D channels:
//   x_b = (x - mean_b) / sqrt(variance_b + epsilon)     x_f = (x - mean_f) / sqrt(variance_f + epsilon)
//   y = gamma (x_f (1/m - 1e-4) + x_b (1 - (1/m + 1e-4))) / sqrt(D) + beta
// where m is batch_size: in a smaller last batch as well, and before the first batch of training, if the
// options have none, the size of what comes.
// Training:   with the batch's own statistics, which the population's take up: the variances times
//             m / (m - 1) (as they are if m = 1, where the authors' code gives NaN), those of features as
//             means over the batch (the authors keep one for each place in the batch).
// Evaluation: with those of the population that use_population() says, the input's own otherwise. With the
//             default an example's result does not depend on its batch, once m is known.
//   shapes:     [N, example...] -> the same; the last axis holds the D channels
//   parameters: weight (gamma) [D], bias (beta) [D]
//   buffers:    running_batch_mean, running_batch_var [elements of an example], running_feature_mean,
//               running_feature_var [positions]: 0 and 1 at first; num_batches_tracked (since the last
//               reset), batch_size (m; 0: not known yet): int32 [1]; uses_population int32 [4], 1 for each of
//               BatchLayerNormPopulation that is true, in that order
//   gradient:   x, gamma and beta, through all statistics that are the input's own
//   throws:     ValueError unless D >= 2, epsilon > 0 in float32 as well, momentum in [0,1], batch_size,
//               reset_every >= 0, and reset_every only without a momentum; forward: ShapeError; DTypeError;
//               ValueError in training for no rows. One row is enough: its x_b is 0.
class BatchLayerNorm final : public Layer<BatchLayerNorm> {
 public:
  explicit BatchLayerNorm(const Shape& example, const BatchLayerNormOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "batch_layer_norm"; }
  PyTorchLayout pytorch_layout() const override;

  // What evaluation takes of the population; choose_population() in keel/train/choose_population.h finds out.
  void use_population(const BatchLayerNormPopulation& population);
  BatchLayerNormPopulation used_population() const;
  // Forgets the population: with momentum = nullopt, the mean is over the batches from now on.
  void reset_population();

  Parameter weight;
  Parameter bias;
  Buffer running_batch_mean;
  Buffer running_batch_var;
  Buffer running_feature_mean;
  Buffer running_feature_var;
  Buffer num_batches_tracked;
  Buffer batch_size;
  Buffer uses_population;

 private:
  // `of_batch`: in training.
  Variable over_batch(const Variable& x, const BatchLayerNormPopulation& population,
                      const std::optional<BatchStatistics>& of_batch) const;
  Variable over_features(const Variable& x, const BatchLayerNormPopulation& population,
                         const Variable& gamma) const;
  BatchStatistics feature_statistics(const Tensor& x) const;
  void update_population(const Tensor& x, const BatchStatistics& batch);

  Shape example_;
  Index channels_;
  BatchLayerNormOptions options_;
};

}  // namespace keel::nn
