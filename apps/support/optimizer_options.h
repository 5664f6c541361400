// The options of a program that say how a model is trained: optimiser, schedule, clipping, early stopping.
#pragma once

#include <memory>

#include "keel/nn/module.h"
#include "keel/optim/optimizer.h"
#include "keel/train/fit.h"
#include "support/command_line.h"

namespace keel::apps {

void add_optimizer_options(CommandLine& command);

// Options for another choice than the one that was made have their defaults.   throws: UsageError if such a
// one was given
void settle_optimizer_options(CommandLine& command);

// What they say, checked.   throws: UsageError
std::unique_ptr<optim::Optimizer> optimizer_of(const CommandLine& command, const nn::Module& model);
optim::Schedule schedule_of(const CommandLine& command, Index epochs, Index batches);
train::GradientClipping clipping_of(const CommandLine& command);
train::EarlyStopping early_stopping_of(const CommandLine& command);

// Whether the learning rate of a step depends on how long the whole run is.
bool depends_on_epochs(const CommandLine& command);

// So many epochs or so many steps: "3" or "3epochs", "200steps".   throws: UsageError
struct EpochsOrSteps {
  Index number = 0;
  bool steps = false;
};
EpochsOrSteps epochs_or_steps(const CommandLine& command, const std::string& name, Index least);

}  // namespace keel::apps
