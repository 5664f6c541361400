#include "support/mnist_bn_experiment.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/nn/model_description.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "keel/train/fit.h"
#include "keel/train/non_finite.h"
#include "keel/train/summary.h"
#include "support/interruption.h"
#include "support/jobs.h"
#include "support/training_run.h"

namespace keel::apps {
namespace {

using nlohmann::ordered_json;

constexpr double kSgdMomentum = 0.9;
const std::vector<std::string> kUsualNorms = {"none", "batch"};

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const nn::Module& model) {
  // Decay, where there is any, leaves gamma, beta and biases alone.
  const std::vector<optim::ParameterGroup> groups = optim::split_for_decay(model.named_parameters());
  if (name == "adamw") return std::make_unique<optim::Adam>(groups, optim::AdamOptions::adamw());
  if (name == "sgd") return std::make_unique<optim::Sgd>(groups, optim::SgdOptions{.momentum = kSgdMomentum});
  return std::make_unique<optim::Adam>(groups);
}

// What the data are called in titles and tables.
std::string data_title(const TrainingData& data) {
  if (data.name == "mnist") return "MNIST";
  return data.name == "synthetic" ? "synthetic digits" : data.name;
}

std::vector<std::filesystem::path> files_in(const std::vector<std::filesystem::path>& arm_directories) {
  std::vector<std::filesystem::path> all;
  for (const std::filesystem::path& directory : arm_directories) {
    for (const std::filesystem::path& file : training_run_files()) all.push_back(directory / file);
  }
  all.emplace_back("summary.json");
  return all;
}

ordered_json layers_record(nn::Module& model, const Shape& example) {
  ordered_json layers = ordered_json::array();
  for (const train::LayerSummary& layer : train::summarize(model, example)) {
    std::vector<Index> shape(layer.output_shape.begin() + 1, layer.output_shape.end());
    layers.push_back({{"path", layer.path},
                      {"kind", layer.kind},
                      {"output_shape", shape},
                      {"parameters", layer.parameters}});
  }
  return layers;
}

}  // namespace

LogFigures figures_of(const std::vector<train::EpochRecord>& log) {
  // Row 0 is from before any update.
  const auto first = log.begin() + 1;
  const auto best_loss = std::min_element(
      first, log.end(), [](const auto& a, const auto& b) { return a.val_loss < b.val_loss; });
  const auto best_accuracy = std::max_element(
      first, log.end(), [](const auto& a, const auto& b) { return a.val_accuracy < b.val_accuracy; });
  const auto target =
      std::find_if(first, log.end(), [](const auto& r) { return r.val_accuracy >= kTargetAccuracy; });
  std::vector<double> seconds;
  for (auto r = first; r != log.end(); ++r) seconds.push_back(r->seconds);
  std::sort(seconds.begin(), seconds.end());
  const std::size_t middle = seconds.size() / 2;
  const train::EpochRecord& last = log.back();
  return {.final_train_loss = last.train_loss,
          .final_val_loss = last.val_loss,
          .final_val_accuracy = last.val_accuracy,
          .best_val_loss = best_loss->val_loss,
          .best_val_accuracy = best_accuracy->val_accuracy,
          .best_val_loss_epoch = best_loss->epoch,
          .epochs_to_target = target == log.end() ? std::nullopt : std::optional(target->epoch),
          .seconds_per_epoch =
              seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2};
}

Experiment::Experiment(ExperimentOptions options, TrainingData data)
    : options_(std::move(options)), data_(std::move(data)), data_record_(apps::data_record(data_)) {
  options_.classifier.input = data_.training->example_shape();
  options_.classifier.classes = data_.training->num_classes();
}

std::vector<std::filesystem::path> Experiment::files(const std::vector<NormArm>& arms) {
  std::vector<std::filesystem::path> directories;
  for (const NormArm& arm : arms) directories.emplace_back(arm.directory);
  return files_in(directories);
}

std::vector<std::filesystem::path> Experiment::files_of_any_arms() {
  return files_in(norm_arm_directories());
}

std::vector<std::filesystem::path> Experiment::derived_files() {
  return {"losses.png", "losses.svg", "layers.png", "layers.svg", "summary.json"};
}

nn::ClassifierOptions Experiment::classifier_of(const NormArm& arm) const {
  nn::ClassifierOptions classifier = options_.classifier;
  classifier.norm = arm.norm;
  return classifier;
}

std::shared_ptr<nn::Sequential> Experiment::build(const NormArm& arm) const {
  // One stream for all arms: they start from the same weights.
  const Rng rng(options_.seed, Stream::initialization);
  return options_.model == "cnn" ? nn::cnn(rng, classifier_of(arm)) : nn::mlp(rng, classifier_of(arm));
}

void Experiment::check() const {
  const data::Batches training(data_.training,
                               {.batch_size = options_.batch_size, .drop_last = options_.drop_last});
  for (const NormArm& arm : options_.arms) {
    std::shared_ptr<nn::Sequential> model;
    try {
      model = build(arm);
    } catch (const Error& error) {
      if (arm.norm == "none") throw;
      throw UsageError(fmt::format("--norm {}: {}", arm.norm, error.what()));
    }
    try {
      train::check_batches(*model, training);
    } catch (const train::BatchSizeError& error) {
      // Where all batches are of one there is no last one to drop.
      const bool can_drop = options_.batch_size > 1;
      throw ValueError(fmt::format("{} (--batch-size{})", error.what(), can_drop ? ", --drop-last" : ""));
    }
  }
}

std::string Experiment::model_table() const {
  const auto with_norm = std::find_if(options_.arms.begin(), options_.arms.end(),
                                      [](const NormArm& arm) { return arm.norm != "none"; });
  const NormArm& arm = with_norm != options_.arms.end() ? *with_norm : options_.arms.front();
  return train::summary_table(*build(arm), options_.classifier.input);
}

train::RunDescription Experiment::description(const NormArm& arm, const ExperimentRun& run) const {
  ordered_json course = run.course;
  for (const char* part : {"training", "validation"}) course["data"][part] = data_record_[part]["crc32"];
  return {.model = nn::ModelDescription::of(options_.model, classifier_of(arm), options_.init).to_json(),
          .options = course.dump(),
          .class_names = data_.training->class_names()};
}

void Experiment::train_arm(ArmResult& result, Index place, const ExperimentRun& run,
                           const Display& display) const {
  const NormArm& arm = options_.arms[static_cast<std::size_t>(place)];
  const auto model = build(arm);
  result.parameters = model->num_parameters();
  TrainingRun training_run = {
      .directory = run.directory / result.name,
      .description = description(arm, run),
      .config = run.record,
      .resume = run.resume,
      .found = run.found.empty() ? std::nullopt : run.found[static_cast<std::size_t>(place)],
      .checkpoint_every = options_.checkpoint_every,
      .log_distributions = options_.log_distributions,
      .display = display};
  training_run.config["data"] = data_record_;
  training_run.config["model"] = {{"name", options_.model},
                                  {"batch_norm", arm.norm == "batch"},
                                  {"parameters", result.parameters},
                                  {"layers", layers_record(*model, options_.classifier.input)}};
  if (arm.norm != "none" && arm.norm != "batch") training_run.config["model"]["norm"] = arm.norm;
  training_run.fit = {
      .epochs = options_.epochs, .schedule = optim::constant(options_.learning_rate), .seed = options_.seed};
  std::size_t widest = 0;
  for (const NormArm& each : options_.arms) widest = std::max(widest, each.title.size());
  training_run.progress = {
      .name = fmt::format("{:<{}}", arm.title, widest), .epochs = options_.epochs, .place = place};

  const data::Batches training(data_.training, {.batch_size = options_.batch_size,
                                                .shuffle = true,
                                                .drop_last = options_.drop_last,
                                                .seed = options_.seed});
  const auto optimizer = make_optimizer(options_.optimizer, *model);
  const train::FitResult trained = train_in_directory(training_run, *model, *optimizer, training,
                                                      evaluation_batches(data_.validation), result.log);
  result.interrupted = trained.ending == train::Ending::interrupted;
  if (!result.interrupted) result.test = train::evaluate(*model, evaluation_batches(data_.test), interrupted);
}

ArmResult Experiment::run_arm(Index arm, const ExperimentRun& run, const Display& display) const {
  ArmResult result;
  result.name = options_.arms[static_cast<std::size_t>(arm)].directory;
  result.title = options_.arms[static_cast<std::size_t>(arm)].title;
  const auto report = [&](std::string& reason, const std::exception& error) {
    reason = error.what();
    display->print(fmt::format("error: {}: {}", result.title, reason));
  };
  try {
    if (interrupted()) throw train::Interrupted("before the start");
    train_arm(result, arm, run, display);
  } catch (const train::Interrupted&) {
    result.interrupted = true;
  } catch (const train::NonFiniteLoss& error) {
    report(result.diverged, error);
  } catch (const std::exception& error) {
    report(result.failed, error);
  }
  return result;
}

std::vector<std::optional<train::CheckpointDirectory::Found>> Experiment::checkpoints_to_resume(
    const ExperimentRun& run) const {
  std::vector<std::optional<train::CheckpointDirectory::Found>> all;
  for (const NormArm& arm : options_.arms) {
    all.push_back(checkpoint_to_resume(run.directory / arm.directory));
    if (all.back()) require_resumable(*all.back(), description(arm, run), options_.epochs);
  }
  return all;
}

std::vector<ArmResult> Experiment::run(const ExperimentRun& run) const {
  const auto display = std::make_shared<train::ProgressDisplay>();
  std::vector<ArmResult> results(options_.arms.size());
  run_jobs(static_cast<Index>(results.size()), options_.jobs,
           [&](Index arm) { results[static_cast<std::size_t>(arm)] = run_arm(arm, run, display); });
  return results;
}

std::string Experiment::title() const {
  const std::string classes =
      data_.name == "mnist" || data_.name == "synthetic"
          ? ""
          : fmt::format(" in {} ({} classes)", data_.source, data_.training->num_classes());
  std::vector<std::string> norms;
  for (const NormArm& arm : options_.arms) norms.push_back(arm.norm);
  const bool as_usual =
      std::is_permutation(norms.begin(), norms.end(), kUsualNorms.begin(), kUsualNorms.end());
  const std::string compared =
      as_usual ? "and without BatchNorm" : "norm " + fmt::format("{}", fmt::join(norms, ", "));
  return fmt::format("{} with {} on {}{}: {} training, {} validation, {} test images", options_.model,
                     compared, data_title(data_), classes, data_.training->size(), data_.validation->size(),
                     data_.test->size());
}

ordered_json Experiment::summary(const std::vector<ArmResult>& results) const {
  ordered_json summary = {{"data", data_record_}, {"model", options_.model}, {"seed", options_.seed}};
  for (const ArmResult& result : results) {
    ordered_json& arm = summary["arms"][result.name];
    arm["parameters"] = result.parameters;
    arm["epochs"] = result.log.empty() ? 0 : result.log.back().epoch;
    if (!result.diverged.empty()) arm["diverged"] = result.diverged;
    if (!result.failed.empty()) arm["failed"] = result.failed;
    if (!result.finished()) continue;
    const LogFigures f = figures_of(result.log);
    arm["final_train_loss"] = f.final_train_loss;
    arm["final_val_loss"] = f.final_val_loss;
    arm["final_val_accuracy"] = f.final_val_accuracy;
    arm["best_val_loss"] = f.best_val_loss;
    arm["best_val_loss_epoch"] = f.best_val_loss_epoch;
    arm["best_val_accuracy"] = f.best_val_accuracy;
    arm["test_loss"] = result.test.loss();
    arm["test_accuracy"] = result.test.accuracy();
    arm["epochs_to_97_percent"] =
        f.epochs_to_target ? ordered_json(*f.epochs_to_target) : ordered_json(nullptr);
    arm["seconds_per_epoch"] = f.seconds_per_epoch;
  }
  return summary;
}

std::string Experiment::table(const std::vector<ArmResult>& results) const {
  return results_table(data_title(data_), results, options_.jobs > 1);
}

}  // namespace keel::apps
