#include "keel/train/checkpoint_directory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <system_error>
#include <tuple>

#include "keel/core/error.h"
#include "keel/io/atomic_file.h"
#include "keel/io/safetensors.h"

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

// Which of two checkpoints of a run is the later one.
bool is_later(const FitState& a, const FitState& b) {
  return std::tie(a.step, a.epoch) > std::tie(b.step, b.epoch);
}

}  // namespace

void CheckpointDirectory::save_last(const Checkpoint& checkpoint) const {
  io::make_directories(path_);
  // Complete before anything that is there is touched.
  write_checkpoint(next(), checkpoint);
  std::error_code ignored;
  if (fs::exists(last(), ignored)) link_as(last(), previous());
  io::rename_file(next(), last());
}

void CheckpointDirectory::save_best(const Checkpoint& checkpoint) const {
  io::make_directories(path_);
  write_checkpoint(best(), checkpoint);
}

std::optional<CheckpointDirectory::Found> CheckpointDirectory::take_newest() const {
  std::optional<Found> newest;
  std::vector<std::string> problems;
  std::vector<fs::path> damaged;
  std::error_code ignored;
  const std::vector<fs::path> all = {last(), next(), previous(), best()};
  for (const fs::path& path : all) {
    if (!fs::exists(path, ignored)) continue;
    // What cannot be read is not damaged: that is for a person to look at.
    const std::string content = io::read_file(path, std::numeric_limits<std::size_t>::max());
    try {
      Checkpoint checkpoint = parse_checkpoint(
          io::parse_safetensors(std::as_bytes(std::span(content)), path.string()), path.string());
      if (!newest || is_later(checkpoint.state, newest->checkpoint.state))
        newest = {std::move(checkpoint), path};
    } catch (const CheckpointVersionError&) {
      throw;
    } catch (const FileError& error) {
      problems.emplace_back(error.what());
      damaged.push_back(path);
    }
  }
  check<FileError>(newest || damaged.empty(), "no whole checkpoint in {}: {}", path_.string(),
                   fmt::join(problems, "; "));
  if (!newest) return std::nullopt;
  newest->damaged = std::move(problems);
  for (const fs::path& path : damaged) io::rename_file(path, path.string() + ".damaged");
  for (const fs::path& path : all) fs::remove(path.string() + ".part", ignored);
  if (newest->path == next()) {
    io::rename_file(next(), last());
    newest->path = last();
  }
  fs::remove(next(), ignored);
  return newest;
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

void CheckpointWriter::assume_saved(const FitState& state) { saved_ = std::pair(state.epoch, state.batch); }

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
