// The checkpoints of one run: the last, the one before it, and the best.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/train/callback.h"
#include "keel/train/checkpoint.h"

namespace keel::train {

class CheckpointDirectory {
 public:
  explicit CheckpointDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path last() const { return path_ / "last.safetensors"; }
  std::filesystem::path previous() const { return path_ / "previous.safetensors"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }

  // What is to become `last`. It is there for a moment only, unless the program is killed then.
  std::filesystem::path next() const { return path_ / "next.safetensors"; }

  // Writes `last`, makes the one that it replaces `previous`, and makes the directory if there is none. At
  // any moment, whatever kills the program or fails, the last checkpoint that was saved is there, and so is
  // the one before it or a newer one.
  //   throws: what write_checkpoint() throws; FileError
  void save_last(const Checkpoint& checkpoint) const;
  void save_best(const Checkpoint& checkpoint) const;

  struct Found {
    Checkpoint checkpoint;
    std::filesystem::path path;
    // What is wrong with the others, which were renamed to NAME.damaged.
    std::vector<std::string> damaged = {};
  };
  // The checkpoint with the most steps of those that are whole, for a run to go on from; of equal ones,
  // `last`. Nothing if there is none of these files. Damaged ones and what a killed program left unfinished
  // are moved out of the way. For the program that writes here, and no other, to call.
  //   throws: FileError if none of those that are there is whole, and then nothing is moved; FileError if a
  //   file cannot be read or renamed; CheckpointVersionError
  std::optional<Found> take_newest() const;

 private:
  std::filesystem::path path_;
};

// Whether the last epoch of the log has the lowest validation loss of all, which must be a number; of equal
// ones the first is the best. Row 0, from before training, is not asked.
bool is_best(const std::vector<EpochRecord>& log);

// How often a run is saved. With neither, at its end only.
struct CheckpointEvery {
  Index epochs = 1;  // after each so many; 0: not by epochs
  Index steps = 0;   // the same for updates
};

// Saves `last` as often as asked and when the run ends or is interrupted, and `best` after each epoch that is
// the best so far.
class CheckpointWriter final : public Callback {
 public:
  // The model and the optimiser must outlive it.   throws: ValueError if a number is negative
  CheckpointWriter(CheckpointDirectory directory, RunDescription run, const nn::Module& model,
                   const optim::Optimizer& optimizer, const CheckpointEvery& every = {});
  void on_state(const FitState& state, Moment moment) override;
  // `last` is this state already: a run that goes on from it and ends at once saves nothing.
  void assume_saved(const FitState& state);

 private:
  bool is_due(const FitState& state, Moment moment) const;

  CheckpointDirectory directory_;
  RunDescription run_;
  const nn::Module& model_;
  const optim::Optimizer& optimizer_;
  CheckpointEvery every_;
  // Where the run stood when it was saved; it is not saved twice.
  std::optional<std::pair<Index, Index>> saved_;  // epoch, batch
};

}  // namespace keel::train
