// Callbacks: what may watch a training run, or stop it with an exception.
#pragma once

#include "keel/core/shape.h"

namespace keel::train {

// A row of the log.
struct EpochRecord {
  Index epoch = 0;  // 0: before any update
  Index step = 0;   // updates so far
  double train_loss =
      0;  // means over the epoch while the weights moved, in training mode (with dropout and batch
  double train_accuracy = 0;  // statistics); for epoch 0, of the training set in evaluation mode
  double val_loss = 0;        // of the validation set after the epoch, in evaluation mode
  double val_accuracy = 0;
  double learning_rate = 0;  // of the epoch's last update; for epoch 0, of the first one to come
  double seconds = 0;        // of the epoch: training and validation
};

// What is known after each update.
struct StepRecord {
  Index epoch = 0;       // from 1
  Index batch = 0;       // within the epoch, from 1
  Index batches = 0;     // in an epoch
  Index examples = 0;    // of this epoch so far
  double mean_loss = 0;  // over this epoch so far
};

struct FitState;

// When a callback is shown the state of a run.
enum class Moment {
  step,   // after an update
  epoch,  // after the row of an epoch (also that from before training) has been logged
  end,    // nothing follows: all epochs are done, early stopping ended them, or the run was interrupted
};

class Callback {
 public:
  virtual ~Callback() = default;
  // Between backward() and the update, before gradients are clipped; `step` updates have been made so far.
  virtual void on_gradients(Index /*step*/) {}
  virtual void on_step(const StepRecord&) {}
  virtual void on_epoch(const EpochRecord&) {}
  // At each moment from which the run could go on later: see keel/train/fit_state.h. Called after the others.
  virtual void on_state(const FitState&, Moment) {}
};

}  // namespace keel::train
