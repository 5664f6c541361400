// Trains a model, and says how well it does.
#pragma once

#include "study/trial.h"

namespace keel::study {

// Settings: see study/training.h. The result:
//   diverged       whether the loss left the finite numbers; the accuracy is then that of guessing
//   steps          taken
//   accuracy, loss of the test set at the end
//   train_loss     mean over the last steps (loss_steps)
//   curve          step, accuracy, loss: arrays, from evaluations on the way
//   steps_to       by target ("97"): the step of the first evaluation that reached it, or null
const Measurement& train_and_test();

}  // namespace keel::study
