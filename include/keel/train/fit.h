// The training loop.
#pragma once

#include <memory>
#include <vector>

#include "keel/data/batches.h"
#include "keel/nn/module.h"
#include "keel/optim/optimizer.h"
#include "keel/optim/schedule.h"
#include "keel/train/callback.h"
#include "keel/train/early_stopping.h"
#include "keel/train/fit_state.h"

namespace keel::train {

// What is done to gradients before each update: first by norm, then by value (keel/optim/clip.h). 0: nothing.
struct GradientClipping {
  double max_norm = 0;
  double max_value = 0;
};

struct FitOptions {
  Index epochs = 10;
  optim::Schedule schedule = optim::constant(1e-3);
  std::uint64_t seed = 0;  // of dropout; step t draws from Rng(seed, Stream::dropout).substream(t)
  GradientClipping clipping = {};
  EarlyStopping early_stopping = {};
  // Where to go on; what follows is then the same, bit for bit, as if the run had not been interrupted. The
  // model and the optimiser must be as they were then (see keel/train/checkpoint.h).
  FitState start = {};
  // Asked between two steps, or two batches of validation: whether to end the run there.
  StopRequest interrupted = {};
};

enum class Ending { finished, stopped_early, interrupted };

struct FitResult {
  std::vector<EpochRecord> log;
  Ending ending = Ending::finished;
};

// Trains a classifier by softmax cross-entropy on logits, and validates it after each epoch. The first row of
// the log is from before any update.
// What is minimised is the cross-entropy and the model's penalty() (keel/nn/regularizer.h); the gradients
// that are clipped are of both. The log holds the cross-entropy alone, in training as in validation, so runs
// with and without a penalty can be compared (Keras adds the penalty to both). Constraints
// (keel/nn/constraint.h) are applied after each update.
//   throws: ValueError if epochs < 1, or if the state to start from is not one of a run over these batches;
//           what check_batches() throws; NonFiniteLoss with the step and the layer where it first appeared,
//           before the update that would have spoilt the weights, and so for a penalty, and for gradients
//           that are to be clipped by norm; Error naming the parameters that the first backward pass leaves
//           without a gradient, or the optimizer does not have
FitResult fit(nn::Module& model, optim::Optimizer& optimizer, const data::Batches& training,
              const data::Batches& validation, const FitOptions& options,
              const std::vector<std::shared_ptr<Callback>>& callbacks = {});

// A batch is too small for a layer, which would take it with more examples.
class BatchSizeError : public ValueError {
 public:
  using ValueError::ValueError;
};

// Runs a copy of the model over batches of the sizes that an epoch has, so that a last batch that some layer
// cannot work on (to train, a single example with BatchNorm) is found before the first step and not at the
// end of the first epoch.
//   throws: BatchSizeError with the size of the batch and what the layer says; as it is, what a layer throws
//           for batches of any size
void check_batches(nn::Module& model, const data::Batches& batches, nn::Mode mode = nn::Mode::training);

}  // namespace keel::train
