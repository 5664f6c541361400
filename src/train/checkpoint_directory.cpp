#include "keel/train/checkpoint_directory.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "keel/core/error.h"

namespace keel::train {
namespace {

namespace fs = std::filesystem;

// Gives a file a second name, in one step for whoever looks for that name.
void link_as(const fs::path& file, const fs::path& name) {
  const fs::path temporary = name.string() + ".part";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(file, temporary, error);
  // File systems without hard links: the file goes by the other name alone until the next one is written.
  if (error) {
    fs::rename(file, name, error);
  } else {
    fs::rename(temporary, name, error);
    // Renaming one name of a file to another of the same file leaves both.
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }
  check<FileError>(!error, "{}: cannot make it a second name of {}: {}", name.string(), file.string(),
                   error.message());
}

}  // namespace

void CheckpointDirectory::save_last(const Checkpoint& checkpoint) const {
  std::error_code error;
  fs::create_directories(path_, error);
  check<FileError>(!error, "cannot make directory {}: {}", path_.string(), error.message());
  if (fs::exists(last(), error)) link_as(last(), previous());
  write_checkpoint(last(), checkpoint);
}

void CheckpointDirectory::save_best(const Checkpoint& checkpoint) const {
  std::error_code error;
  fs::create_directories(path_, error);
  check<FileError>(!error, "cannot make directory {}: {}", path_.string(), error.message());
  write_checkpoint(best(), checkpoint);
}

std::optional<CheckpointDirectory::Found> CheckpointDirectory::find_newest() const {
  std::vector<std::string> damaged;
  std::vector<fs::path> damaged_paths;
  std::error_code ignored;
  for (const fs::path& path : {last(), previous(), best()}) {
    if (!fs::exists(path, ignored)) continue;
    try {
      Found found = {read_checkpoint(path), path, damaged};
      for (const fs::path& other : damaged_paths) fs::rename(other, other.string() + ".damaged", ignored);
      return found;
    } catch (const FileError& error) {
      damaged.push_back(error.what());
      damaged_paths.push_back(path);
    }
  }
  check<FileError>(damaged.empty(), "no whole checkpoint in {}: {}", path_.string(),
                   fmt::join(damaged, "; "));
  return std::nullopt;
}

bool is_best(const std::vector<EpochRecord>& log) {
  if (log.empty() || log.back().epoch == 0) return false;
  const double loss = log.back().val_loss;
  // A loss that is no number is lower than none, and none is the worse for it.
  return !std::isnan(loss) && std::all_of(log.begin(), log.end() - 1, [loss](const EpochRecord& other) {
    return other.epoch == 0 || !(other.val_loss <= loss);
  });
}

CheckpointWriter::CheckpointWriter(CheckpointDirectory directory, RunDescription run, const nn::Module& model,
                                   const optim::Optimizer& optimizer, const CheckpointEvery& every)
    : directory_(std::move(directory)),
      run_(std::move(run)),
      model_(model),
      optimizer_(optimizer),
      every_(every) {
  check<ValueError>(every.epochs >= 0 && every.steps >= 0,
                    "[checkpoint] a checkpoint after at least 0 epochs or steps expected, found {} and {}",
                    every.epochs, every.steps);
}

bool CheckpointWriter::is_due(const FitState& state, Moment moment) const {
  switch (moment) {
    case Moment::step:
      return every_.steps > 0 && state.step % every_.steps == 0;
    case Moment::epoch:
      return every_.epochs > 0 && state.log.back().epoch % every_.epochs == 0;
    case Moment::end:
      break;
  }
  return true;
}

void CheckpointWriter::on_state(const FitState& state, Moment moment) {
  const bool best = moment == Moment::epoch && is_best(state.log);
  const std::pair place(state.epoch, state.batch);
  const bool due = is_due(state, moment) && saved_ != place;
  if (!best && !due) return;
  const Checkpoint checkpoint = checkpoint_of(run_, state, model_, optimizer_);
  // The best one first: a run that goes on from an older `last` comes to the same best one again.
  if (best) directory_.save_best(checkpoint);
  if (due) {
    directory_.save_last(checkpoint);
    saved_ = place;
  }
}

}  // namespace keel::train
