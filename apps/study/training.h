// Training as experiments do it: a number of steps, watched from outside.
//
// Keys of a setting, and what they are if it has them not:
//   model             a model description: {"layers": [...]} or {"model": "cnn", ...}
//   init              the initialiser of weights, by name; the description's own
//   init_deviation    weights are N(0, deviation^2) instead, biases 0
//   optimizer, lr     "sgd", "momentum" (0.9), "adam" or "rmsprop" (with momentum 0.9); must be there
//   batch, steps      examples in a batch, updates; must be there
//   train_examples    the first so many of the training set; all
//   test_examples     the first so many of the test set; all
//   input_scale       multiplies the pixels, which are in [0, 1]; 1
//   classes_per_batch a batch has examples of so many classes only, drawn anew for each; all, by epochs
//   first_batch       so many examples are passed through in training mode before the first step, for
//                     layers that take their initial values from them; none
//   clip_norm         gradients are cut to this norm; 0: not
//   evaluate_every    steps between evaluations on the test set, the points of the curve; 0: none
//   targets           accuracies, in percent, for which the step is reported that reached them
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "keel/data/batches.h"
#include "keel/nn/sequential.h"
#include "keel/optim/optimizer.h"
#include "study/trial.h"

namespace keel::study {

class Training {
 public:
  //   throws: FileError or ValueError naming what of the setting is wrong
  Training(const Json& setting, const TrialContext& context);

  // One update. False, without one, if the loss is not finite, or with clip_norm a gradient: the run has
  // diverged, and takes no further steps.   throws: Interrupted
  bool step();
  Index steps_done() const { return step_; }
  bool diverged() const { return diverged_; }
  // Of the last step, before its update.
  double loss() const { return loss_; }

  // Loss and gradients of the model as it is on a batch, without an update; parameters hold the gradients.
  double compute_gradients(const data::Batch& batch);
  // The batch that a step takes: the same in all arms of a seed.
  data::Batch batch_of(Index step) const;

  // On the test set, in evaluation mode; nothing if the loss is not finite.
  std::optional<train::Metrics> test() const;

  nn::Sequential& model() { return *model_; }
  optim::Optimizer& optimizer() { return *optimizer_; }
  const data::DatasetPtr& training_set() const { return training_; }
  const data::DatasetPtr& test_set() const { return test_; }
  double learning_rate() const { return learning_rate_; }
  Index classes() const { return training_->num_classes(); }

 private:
  void prepare_class_batches(Index classes);
  void show_first_batch(Index examples);
  bool gradients_are_finite() const;

  const TrialContext& context_;
  data::DatasetPtr training_, test_;
  std::shared_ptr<nn::Sequential> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<data::Batches> batches_;
  Index batch_size_;
  // For batches of few classes: their number, and the examples of each class.
  Index classes_per_batch_ = 0;
  std::vector<std::vector<std::int32_t>> of_class_;
  double learning_rate_;
  double clip_norm_;
  Index step_ = 0;
  bool diverged_ = false;
  double loss_ = 0;
};

// About how long one takes on one core.
double training_seconds(const Json& setting);

}  // namespace keel::study
