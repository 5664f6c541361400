#include "support/train_program.h"

#include <fmt/ranges.h>

#include "keel/nn/recalibrated.h"
#include "keel/nn/state_dict.h"
#include "keel/train/metrics.h"
#include "keel/train/non_finite.h"
#include "keel/train/recalibrate.h"
#include "keel/train/summary.h"
#include "support/figures.h"
#include "support/interruption.h"
#include "support/model_options.h"
#include "support/optimizer_options.h"
#include "support/run_directory.h"

namespace keel::apps {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSummary = "summary.json";
constexpr const char* kRecalibrated = "recalibrated.safetensors";

nn::ModelDescription description_of(const CommandLine& command, const ordered_json* recorded,
                                    const TrainingData& data) {
  const nn::ModelDescription description =
      recorded != nullptr ? nn::ModelDescription::parse(recorded->dump(), "model.description of config.json")
                          : model_description_of(command);
  return description.for_data(data.training->example_shape(), data.training->num_classes());
}

train::FitOptions fit_options_of(const CommandLine& command, Index epochs, Index batches) {
  return {.epochs = epochs,
          .schedule = schedule_of(command, epochs, batches),
          .seed = static_cast<std::uint64_t>(command.integer("seed", 0)),
          .clipping = clipping_of(command),
          .early_stopping = early_stopping_of(command)};
}

bool has_running_statistics(nn::Module& model) {
  bool found = false;
  model.visit([&](const std::string&, nn::Module& module) {
    const auto* layer = dynamic_cast<const nn::Recalibrated*>(&module);
    found = found || (layer != nullptr && layer->can_recalibrate());
  });
  return found;
}

const char* in_words(train::Ending ending) {
  switch (ending) {
    case train::Ending::finished:
      return "finished";
    case train::Ending::stopped_early:
      return "stopped early";
    case train::Ending::interrupted:
      break;
  }
  return "interrupted";
}

}  // namespace

std::vector<fs::path> TrainProgram::derived_files() {
  return {"losses.png", "losses.svg", "layers.png",
          "layers.svg", kSummary,     fs::path(kCheckpointFolder) / kRecalibrated};
}

std::vector<fs::path> TrainProgram::files() {
  std::vector<fs::path> all = training_run_files();
  all.emplace_back(kSummary);
  all.push_back(fs::path(kCheckpointFolder) / kRecalibrated);
  return all;
}

TrainProgram::TrainProgram(const CommandLine& command, ordered_json record,
                           const ordered_json* recorded_model, bool starts)
    : command_(command),
      record_(std::move(record)),
      data_(load_training_data(command)),
      epochs_(command.integer("epochs", 1)),
      batch_size_(batch_size_of(command, data_)),
      seed_(static_cast<std::uint64_t>(command.integer("seed", 0))),
      description_(description_of(command, recorded_model, data_)),
      model_(description_.build(Rng(seed_, Stream::initialization))),
      optimizer_(optimizer_of(command, *model_)),
      training_(data_.training, {.batch_size = batch_size_,
                                 .shuffle = true,
                                 .drop_last = command.flag("drop-last"),
                                 .seed = seed_}),
      validation_(evaluation_batches(data_.validation)),
      test_(evaluation_batches(data_.test)) {
  fit_options_of(command, epochs_, training_.count());
  checkpoint_every(command);
  log_distributions(command);
  recalibrate_ = command.integer("recalibrate-bn", 0);
  if (recalibrate_ > 0 && !has_running_statistics(*model_)) {
    // One that was recorded with another model is for nothing here.
    if (command.given("recalibrate-bn")) {
      const std::vector<std::string> others = train::statistics_left_alone(*model_);
      throw UsageError(fmt::format(
          "--recalibrate-bn: expected with a model that has running statistics to estimate anew (those of "
          "BatchNorm, BatchRenorm or FullNorm), found one without{}{}",
          others.empty() ? "" : "; left alone would be ", fmt::join(others, ", ")));
    }
    recalibrate_ = 0;
  }
  if (has_initial_weights(command) && starts)
    load_initial_weights(command, *model_, data_.training->example_shape());
  try {
    train::check_batches(*model_, training_);
    for (const data::Batches* held_out : {&validation_, &test_}) {
      train::check_batches(*model_, *held_out, nn::Mode::evaluation);
    }
  } catch (const train::BatchSizeError& error) {
    // Where all batches are of one there is no last one to drop.
    const bool can_drop = training_.options().batch_size > 1;
    throw ValueError(fmt::format("{} (--batch-size{})", error.what(), can_drop ? ", --drop-last" : ""));
  }
  table_ = train::summary_table(*model_, data_.training->example_shape());
  record_["data"] = apps::data_record(data_);
  record_["model"] = {{"name", description_.model()},
                      {"parameters", model_->num_parameters()},
                      {"description", ordered_json::parse(description_.to_json())}};
}

TrainingRun TrainProgram::training_run(const fs::path& directory, const ordered_json& course, bool resume,
                                       std::optional<train::CheckpointDirectory::Found> found) const {
  ordered_json options = course;
  for (const char* part : {"training", "validation"}) options["data"][part] = record_["data"][part]["crc32"];
  const std::string name =
      description_.model().empty() ? fs::path(command_.text("model")).stem().string() : description_.model();
  TrainingRun run = {.directory = directory,
                     .description = {.model = description_.to_json(),
                                     .options = options.dump(),
                                     .class_names = data_.training->class_names()},
                     .config = record_,
                     .resume = resume,
                     .found = std::move(found),
                     .checkpoint_every = checkpoint_every(command_),
                     .log_distributions = log_distributions(command_),
                     .fit = fit_options_of(command_, epochs_, training_.count()),
                     .progress = {.name = name, .epochs = epochs_},
                     .display = std::make_shared<train::ProgressDisplay>()};
  if (run.found) require_resumable(*run.found, run.description, epochs_);
  return run;
}

TrainProgram::Evaluation TrainProgram::evaluate(const std::string& weights, nn::Module& model) const {
  return {weights, train::evaluate(model, validation_, interrupted),
          train::evaluate(model, test_, interrupted)};
}

TrainProgram::Evaluation TrainProgram::recalibrate(const train::CheckpointDirectory& checkpoints,
                                                   Index batches) const {
  const auto copy = model_->clone();
  const data::Batches whole(data_.training,
                            {.batch_size = batch_size_, .shuffle = true, .drop_last = true, .seed = seed_});
  train::recalibrate_batch_norm(*copy, whole, batches, interrupted);
  train::Checkpoint recalibrated = train::read_checkpoint(checkpoints.last());
  recalibrated.model = copy->state_dict();
  train::write_checkpoint(checkpoints.path() / kRecalibrated, recalibrated);
  return evaluate("last, recalibrated", *copy);
}

TrainProgram::Evaluation TrainProgram::evaluate_best(const train::CheckpointDirectory& checkpoints) const {
  const train::Checkpoint best = train::read_checkpoint(checkpoints.best());
  const auto copy = model_->clone();
  nn::load_state_dict(*copy, best.model);
  return evaluate(fmt::format("best, epoch {}", best.state.epoch - 1), *copy);
}

std::vector<TrainProgram::Evaluation> TrainProgram::evaluate_all(const fs::path& directory) const {
  const train::CheckpointDirectory checkpoints(directory / kCheckpointFolder);
  std::vector<Evaluation> evaluations = {evaluate("last", *model_)};
  // The run is done: what goes wrong with the others is said, and takes nothing from it.
  const auto add = [&](const char* what, const auto& make) {
    try {
      evaluations.push_back(make());
    } catch (const train::Interrupted&) {
      throw;
    } catch (const Error& error) {
      fmt::print(stderr, "warning: {}: {}\n", what, error.what());
    }
  };
  if (recalibrate_ > 0) {
    add("--recalibrate-bn", [&] { return recalibrate(checkpoints, recalibrate_); });
  }
  add("the best weights", [&] { return evaluate_best(checkpoints); });
  return evaluations;
}

ordered_json TrainProgram::summary_of(const std::string& ending,
                                      const std::vector<train::EpochRecord>& log) const {
  ordered_json summary = {{"data", record_["data"]},
                          {"model", record_["model"]["name"]},
                          {"parameters", record_["model"]["parameters"]},
                          {"seed", seed_},
                          {"ending", ending}};
  if (log.empty()) return summary;
  const train::EpochRecord& last = log.back();
  summary.update({{"epochs", last.epoch},
                  {"steps", last.step},
                  {"train_loss", last.train_loss},
                  {"train_accuracy", last.train_accuracy}});
  return summary;
}

void TrainProgram::report(const train::FitResult& result, const std::vector<Evaluation>& evaluations,
                          const fs::path& directory) const {
  ordered_json summary = summary_of(in_words(result.ending), result.log);
  fmt::print("\n{} after {} epochs\n\n{:<24}{:>12}{:>12}{:>12}{:>12}\n", in_words(result.ending),
             result.log.back().epoch, "weights", "val loss", "val acc", "test loss", "test acc");
  for (const Evaluation& e : evaluations) {
    fmt::print("{:<24}{:>12}{:>10.2f} %{:>12}{:>10.2f} %\n", e.weights, loss_in_words(e.validation.loss()),
               100 * e.validation.accuracy(), loss_in_words(e.test.loss()), 100 * e.test.accuracy());
    summary["evaluations"].push_back({{"weights", e.weights},
                                      {"val_loss", e.validation.loss()},
                                      {"val_accuracy", e.validation.accuracy()},
                                      {"test_loss", e.test.loss()},
                                      {"test_accuracy", e.test.accuracy()}});
  }
  write_json(directory / kSummary, summary);
  fmt::print("\nrun: {}\n", directory.string());
}

int TrainProgram::run(const TrainingRun& run) {
  const fs::path& directory = run.directory;
  fmt::print("{} on {}: {} training, {} validation, {} test images\n\n{}\n",
             description_.model().empty() ? command_.text("model") : description_.model(), data_.name,
             data_.training->size(), data_.validation->size(), data_.test->size(), table_);
  std::fflush(stdout);
  watch_for_interruption();
  std::vector<train::EpochRecord> log;
  train::FitResult result;
  std::vector<Evaluation> evaluations;
  try {
    result = train_in_directory(run, *model_, *optimizer_, training_, validation_, log);
    if (result.ending != train::Ending::interrupted) evaluations = evaluate_all(directory);
  } catch (const train::Interrupted&) {
    result.ending = train::Ending::interrupted;
  } catch (const train::NonFiniteLoss& error) {
    ordered_json summary = summary_of("diverged", log);
    summary["diverged"] = error.what();
    write_json(directory / kSummary, summary);
    throw;
  }
  if (result.ending == train::Ending::interrupted) {
    fmt::print(stderr, "interrupted; to go on: keel-train --resume {}\n", directory.string());
    return interrupted_status();
  }
  report(result, evaluations, directory);
  return 0;
}

}  // namespace keel::apps
