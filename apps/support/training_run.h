// One model that is trained in one directory: config.json, epochs.csv and checkpoints/ in it, and layers.csv
// if that is asked for.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "keel/train/checkpoint_directory.h"
#include "keel/train/fit.h"
#include "keel/train/progress.h"
#include "support/command_line.h"

namespace keel::apps {

struct TrainingRun {
  std::filesystem::path directory;
  train::RunDescription description;
  nlohmann::ordered_json config;  // what config.json is to say
  // Where to go on, if it is a run that goes on and had saved anything: what checkpoint_to_resume() gave.
  bool resume = false;
  std::optional<train::CheckpointDirectory::Found> found = {};
  train::CheckpointEvery checkpoint_every = {};
  Index log_distributions = 0;  // steps from one entry of layers.csv to the next; 0: no such file
  train::FitOptions fit = {};   // but for where to start and who may interrupt, which train_in() sets
  train::ProgressOptions progress = {};
  std::shared_ptr<train::ProgressDisplay> display;
};

// Where its checkpoints are, relative to its directory.
inline constexpr const char* kCheckpointFolder = "checkpoints";

// The files that it writes, relative to its directory.
std::vector<std::filesystem::path> training_run_files();

// The checkpoint to go on from in a run's directory, which must be locked (see RunDirectory).
//   throws: as train::CheckpointDirectory::take_newest()
std::optional<train::CheckpointDirectory::Found> checkpoint_to_resume(const std::filesystem::path& directory);

// Refuses to go on under other options, with another model, or for fewer epochs than the run has begun.
//   throws: UsageError; FileError for another model
void require_resumable(const train::CheckpointDirectory::Found& found,
                       const train::RunDescription& description, Index epochs);

// fit(), with all of it on disk. `log` has the rows as they come, also if an exception ends the run.
//   throws: what fit() throws; FileError if a file cannot be written; ValueError if the checkpoint to go on
//   from is not of this model and optimiser
train::FitResult train_in_directory(const TrainingRun& run, nn::Module& model, optim::Optimizer& optimizer,
                                    const data::Batches& training, const data::Batches& validation,
                                    std::vector<train::EpochRecord>& log);

// What --checkpoint-every says: "3" or "3epochs", "200steps", "0" for none but the last.
//   throws: UsageError
train::CheckpointEvery checkpoint_every(const CommandLine& command);
void add_checkpoint_every(CommandLine& command);

// What --log-distributions says, for TrainingRun.   throws: UsageError
Index log_distributions(const CommandLine& command);
void add_log_distributions(CommandLine& command);

}  // namespace keel::apps
