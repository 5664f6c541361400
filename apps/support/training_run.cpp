#include "support/training_run.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

#include "keel/train/csv_log.h"
#include "support/interruption.h"
#include "support/optimizer_options.h"
#include "support/recorded_run.h"
#include "support/run_directory.h"

namespace keel::apps {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kLog = "epochs.csv";

// Keeps the rows, also those of a run that ends with an exception.
class Recorder final : public train::Callback {
 public:
  explicit Recorder(std::vector<train::EpochRecord>& log) : log_(log) {}
  void on_epoch(const train::EpochRecord& record) override { log_.push_back(record); }

 private:
  std::vector<train::EpochRecord>& log_;
};

std::string now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

// Says loudly what was damaged, and gives the run the state of the checkpoint.
train::FitState go_on_from(const train::CheckpointDirectory::Found& found, const TrainingRun& run,
                           nn::Module& model, optim::Optimizer& optimizer) {
  for (const std::string& problem : found.damaged) {
    run.display->print(fmt::format("warning: {}; kept under a name that ends in .damaged", problem));
  }
  const train::FitState& state = found.checkpoint.state;
  const auto options = ordered_json::parse(found.checkpoint.run.options);
  require_same_options(options, ordered_json::parse(run.description.options), {}, found.path);
  const Index epochs = std::max<Index>(0, state.epoch - 1);
  if (epochs > run.fit.epochs) {
    throw UsageError(fmt::format("--epochs: expected at least the {} that the run has had ({}), found {}",
                                 epochs, found.path.string(), run.fit.epochs));
  }
  train::restore(found.checkpoint, model, optimizer);
  run.display->print(fmt::format("{}{} goes on from {}: {} epochs, {} steps done",
                                 found.damaged.empty() ? "" : "warning: ", run.progress.name,
                                 found.path.string(), epochs, state.step));
  return state;
}

void write_config(const TrainingRun& run, const train::FitState& start) {
  const fs::path path = run.directory / kConfig;
  ordered_json config = run.config;
  config["started"] = now();
  std::error_code ignored;
  if (run.resume && fs::exists(path, ignored)) {
    const ordered_json before = read_config(path, config.at("program"));
    config["started"] = before.value("started", ordered_json());
    config["resumed"] = before.value("resumed", ordered_json::array());
    config["resumed"].push_back({{"at", now()}, {"step", start.step}});
  }
  write_json(path, config);
}

}  // namespace

std::vector<fs::path> training_run_files() {
  std::vector<fs::path> files = {kConfig, kLog};
  const train::CheckpointDirectory checkpoints(kCheckpointFolder);
  for (const fs::path& file : {checkpoints.last(), checkpoints.previous(), checkpoints.best()}) {
    files.push_back(file);
    files.push_back(file.string() + ".damaged");
  }
  return files;
}

train::FitResult train_in_directory(const TrainingRun& run, nn::Module& model, optim::Optimizer& optimizer,
                                    const data::Batches& training, const data::Batches& validation,
                                    std::vector<train::EpochRecord>& log) {
  const train::CheckpointDirectory checkpoints(run.directory / kCheckpointFolder);
  train::FitOptions options = run.fit;
  options.interrupted = interrupted;
  if (run.resume) {
    if (const auto found = checkpoints.find_newest()) {
      options.start = go_on_from(*found, run, model, optimizer);
    }
  }
  log = options.start.log;
  write_config(run, options.start);
  return train::fit(
      model, optimizer, training, validation, options,
      {std::make_shared<Recorder>(log), std::make_shared<train::CsvLog>(run.directory / kLog, log),
       std::make_shared<train::Progress>(run.progress, run.display),
       // The last: what it saves has been logged.
       std::make_shared<train::CheckpointWriter>(checkpoints, run.description, model, optimizer,
                                                 run.checkpoint_every)});
}

void add_checkpoint_every(CommandLine& command) {
  command.add_number(
      "checkpoint-every", "N|Nsteps", "1",
      "Save the run after every N epochs, or N steps (100steps), beside the best and the last; 0: only "
      "those");
}

train::CheckpointEvery checkpoint_every(const CommandLine& command) {
  const EpochsOrSteps every = epochs_or_steps(command, "checkpoint-every", 0);
  return every.steps ? train::CheckpointEvery{.epochs = 0, .steps = every.number}
                     : train::CheckpointEvery{.epochs = every.number};
}

}  // namespace keel::apps
