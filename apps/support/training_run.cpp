#include "support/training_run.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <numeric>

#include "keel/nn/batch_renorm.h"
#include "keel/nn/model_description.h"
#include "keel/train/csv_log.h"
#include "keel/train/layer_log.h"
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
constexpr const char* kLayerLog = "layers.csv";

// Of the validation set, in its order.
constexpr Index kProbeExamples = 256;

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
void go_on_from(const train::CheckpointDirectory::Found& found, const TrainingRun& run, nn::Module& model,
                optim::Optimizer& optimizer) {
  for (const std::string& problem : found.damaged) {
    run.display->print(fmt::format("warning: {}; kept under a name that ends in .damaged", problem));
  }
  train::restore(found.checkpoint, model, optimizer);
  const train::FitState& state = found.checkpoint.state;
  run.display->print(fmt::format("{}{} goes on from {}: {} epochs, {} steps done",
                                 found.damaged.empty() ? "" : "warning: ", run.progress.name,
                                 found.path.string(), std::max<Index>(0, state.epoch - 1), state.step));
}

void write_config(const TrainingRun& run, const train::FitState& start) {
  const fs::path path = run.directory / kConfig;
  ordered_json config = run.config;
  config["started"] = now();
  std::error_code ignored;
  if (run.resume && fs::exists(path, ignored)) {
    const ordered_json before = read_config(path, config.at("program"));
    config["started"] = before.value("started", ordered_json());
    config["resumed"] = ordered_json::array();
    if (before.contains("resumed") && before["resumed"].is_array()) config["resumed"] = before["resumed"];
    config["resumed"].push_back({{"at", now()}, {"step", start.step}});
  }
  write_json(path, config);
}

// BatchRenorm corrects only after a number of steps, which a short run does not reach: one line for all of
// it.
void warn_of_a_short_run(const TrainingRun& run, nn::Module& model, Index steps) {
  bool warned = false;
  model.visit([&](const std::string& path, nn::Module& module) {
    const auto* norm = dynamic_cast<const nn::BatchRenorm*>(&module);
    if (norm == nullptr || warned) return;
    const nn::BatchRenormOptions& options = norm->options();
    if (steps >= std::max(options.r_max_end, options.d_max_end)) return;
    warned = true;
    run.display->print(fmt::format(
        "warning: {}: batch_renorm {}: the run has {} steps, and {} (relaxation_begin {}, d_max_end {}, "
        "r_max_end {}); a model description may set them in proportion to the steps",
        run.progress.name, path, steps,
        steps <= options.relaxation_begin ? "up to relaxation_begin it is BatchNorm"
                                          : "its limits grow for longer",
        options.relaxation_begin, options.d_max_end, options.r_max_end));
  });
}

std::shared_ptr<train::Callback> layer_log(const TrainingRun& run, const nn::Module& model,
                                           const data::Dataset& validation, Index start_step) {
  const fs::path path = run.directory / kLayerLog;
  std::error_code ignored;
  if (start_step > 0 && !fs::exists(path, ignored)) {
    run.display->print(fmt::format("warning: no {}: it begins at step {}", path.string(), start_step));
  }
  std::vector<std::int32_t> first(static_cast<std::size_t>(std::min(kProbeExamples, validation.size())));
  std::iota(first.begin(), first.end(), 0);
  return std::make_shared<train::LayerLog>(
      path, model, validation.gather(first).inputs,
      train::LayerLogOptions{.every = run.log_distributions, .start_step = start_step});
}

}  // namespace

std::vector<fs::path> training_run_files() {
  std::vector<fs::path> files = {kConfig, kLog, kLayerLog};
  const train::CheckpointDirectory checkpoints(kCheckpointFolder);
  for (const fs::path& file :
       {checkpoints.last(), checkpoints.next(), checkpoints.previous(), checkpoints.best()}) {
    files.push_back(file);
    files.push_back(file.string() + ".damaged");
  }
  return files;
}

std::optional<train::CheckpointDirectory::Found> checkpoint_to_resume(const fs::path& directory) {
  return train::CheckpointDirectory(directory / kCheckpointFolder).take_newest();
}

void require_resumable(const train::CheckpointDirectory::Found& found,
                       const train::RunDescription& description, Index epochs) {
  const auto options = ordered_json::parse(found.checkpoint.run.options, nullptr, false);
  require_same_options(options, ordered_json::parse(description.options), {}, found.path);
  // In the words of today: another version may have written it.
  const std::string model =
      nn::ModelDescription::parse(found.checkpoint.run.model, found.path.string()).to_json();
  check<FileError>(model == description.model, "{}: a checkpoint of the model {} expected, found one of {}",
                   found.path.string(), description.model, model);
  const train::FitState& state = found.checkpoint.state;
  const Index begun = state.batch > 0 ? state.epoch : std::max<Index>(0, state.epoch - 1);
  if (begun > epochs) {
    throw UsageError(fmt::format("--epochs: expected at least the {} that the run has begun ({}), found {}",
                                 begun, found.path.string(), epochs));
  }
}

train::FitResult train_in_directory(const TrainingRun& run, nn::Module& model, optim::Optimizer& optimizer,
                                    const data::Batches& training, const data::Batches& validation,
                                    std::vector<train::EpochRecord>& log) {
  const train::CheckpointDirectory checkpoints(run.directory / kCheckpointFolder);
  const auto writer = std::make_shared<train::CheckpointWriter>(checkpoints, run.description, model,
                                                                optimizer, run.checkpoint_every);
  train::FitOptions options = run.fit;
  options.interrupted = interrupted;
  if (run.found) {
    go_on_from(*run.found, run, model, optimizer);
    options.start = run.found->checkpoint.state;
    if (run.found->path == checkpoints.last()) writer->assume_saved(options.start);
  }
  if (run.resume && !run.found) {
    run.display->print(
        fmt::format("warning: no checkpoint in {}: starting at the beginning", checkpoints.path().string()));
  }
  warn_of_a_short_run(run, model, options.epochs * training.count());
  log = options.start.log;
  write_config(run, options.start);
  if (options.start.epoch == 0) {
    run.display->draw_bar(run.progress.place,
                          fmt::format("{} evaluating before the first step", run.progress.name));
  }
  std::vector<std::shared_ptr<train::Callback>> callbacks = {
      std::make_shared<Recorder>(log), std::make_shared<train::CsvLog>(run.directory / kLog, log),
      std::make_shared<train::Progress>(run.progress, run.display)};
  if (run.log_distributions > 0) {
    callbacks.push_back(layer_log(run, model, validation.dataset(), options.start.step));
  }
  // The last: what it saves has been logged.
  callbacks.push_back(writer);
  return train::fit(model, optimizer, training, validation, options, callbacks);
}

void add_log_distributions(CommandLine& command) {
  command.add_number(
      "log-distributions", "N", "0",
      fmt::format(
          "Every N steps from step 0 on, a row for each layer in layers.csv; 0: none. For the first {} "
          "validation examples: p15, p50, p85 (percentiles), mean, deviation of the layer's input and "
          "unit_p15 to unit_p85 of one unit; dead, flat: shares of an activation's units that are always 0 "
          "and of its input where its slope is below 0.01. Of the training step: gradient_norm, weight_norm, "
          "update_ratio; running_mean_*, running_var_* of layers with running statistics. Changes nothing of "
          "the run",
          kProbeExamples));
}

Index log_distributions(const CommandLine& command) { return command.integer("log-distributions", 0); }

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
