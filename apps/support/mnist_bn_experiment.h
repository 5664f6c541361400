// The experiment of the Batch Normalization articles: the same model with and without BatchNorm, or with
// other norms, on the same batches.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keel/data/dataset.h"
#include "keel/nn/models.h"
#include "keel/train/callback.h"
#include "keel/train/checkpoint_directory.h"
#include "keel/train/metrics.h"
#include "keel/train/progress_display.h"
#include "support/norm_arms.h"
#include "support/training_data.h"

namespace keel::apps {

struct ExperimentOptions {
  std::string model = "mlp";  // or "cnn"
  std::vector<NormArm> arms = norm_arms(kDefaultNorms);
  nn::ClassifierOptions classifier = {};  // of all arms, but for their norm
  std::string init = "pytorch_default";   // what classifier.weight_init is called
  std::string optimizer = "adam";         // or "adamw", "sgd"
  double learning_rate = 1e-3;
  Index epochs = 10;
  Index batch_size = 32;
  bool drop_last = false;
  std::uint64_t seed = 1;
  Index jobs = 1;  // arms that are trained at the same time
  train::CheckpointEvery checkpoint_every = {};
  Index log_distributions = 0;  // as in TrainingRun
};

// One of the models, from start to end.
struct ArmResult {
  std::string name;   // NormArm::directory
  std::string title;  // NormArm::title
  Index parameters = 0;
  std::vector<train::EpochRecord> log;  // up to the last whole epoch
  train::Metrics test;
  // Why the log ends early, if it does; both empty if all went well.
  std::string diverged;  // what was said of a loss that is not finite
  std::string failed;    // any other error
  bool interrupted = false;
  bool finished() const { return diverged.empty() && failed.empty() && !interrupted; }
};

// What people ask of a log.
struct LogFigures {
  double final_train_loss, final_val_loss, final_val_accuracy;
  double best_val_loss, best_val_accuracy;
  Index best_val_loss_epoch;
  std::optional<Index>
      epochs_to_target;      // the first epoch with a validation accuracy of at least kTargetAccuracy
  double seconds_per_epoch;  // median
};
inline constexpr double kTargetAccuracy = 0.97;
LogFigures figures_of(const std::vector<train::EpochRecord>& log);

// The figures of all arms, a few columns at a time so that lines have at most 80 characters.
//   side_by_side: whether they were trained at the same time
std::string results_table(const std::string& title, std::span<const ArmResult> results, bool side_by_side);

// How an experiment is run.
struct ExperimentRun {
  std::filesystem::path directory;
  nlohmann::ordered_json record;  // what config.json says beside data and model
  nlohmann::ordered_json course;  // the options that may not change when the run goes on
  bool resume = false;
  // Where each arm goes on: what checkpoints_to_resume() gave. Empty: nowhere.
  std::vector<std::optional<train::CheckpointDirectory::Found>> found = {};
};

class Experiment {
 public:
  Experiment(ExperimentOptions options, TrainingData data);

  // The files that the arms and the summary are written to, relative to the run's directory.
  static std::vector<std::filesystem::path> files(const std::vector<NormArm>& arms);
  // Those that runs with any arms may have written.
  static std::vector<std::filesystem::path> files_of_any_arms();
  // What scripts/plot_losses.py and plot_layers.py make of them: out of date as soon as a new run starts.
  static std::vector<std::filesystem::path> derived_files();

  // Finds what would fail in the middle of a run.
  //   throws: what train::check_batches() throws; UsageError naming an arm whose model cannot be made
  void check() const;
  // What the checkpoints of all arms record of the data, beside what `run_record` says.
  const nlohmann::ordered_json& data_record() const { return data_record_; }

  // The checkpoint of each arm that has one, in a run's directory, which must be locked.
  //   throws: what checkpoint_to_resume() and require_resumable() throw
  std::vector<std::optional<train::CheckpointDirectory::Found>> checkpoints_to_resume(
      const ExperimentRun& run) const;

  // Trains and tests every arm, options.jobs of them at a time, each with num_threads() threads; writes
  // config.json, epochs.csv and checkpoints of each below `directory`, and goes on with those that are there
  // if it is to resume. Ends early, with the arms that it can, if somebody interrupts. The results, in the
  // order of the arms, are the same bits for any number of jobs. An arm that diverges or fails is a result,
  // too: it is reported on stderr at once, its log ends where it happened, and the others go on.
  std::vector<ArmResult> run(const ExperimentRun& run) const;

  // The layers of the first arm that has a norm.
  std::string model_table() const;
  // One line: what is run on what.
  std::string title() const;
  nlohmann::ordered_json summary(const std::vector<ArmResult>& results) const;
  std::string table(const std::vector<ArmResult>& results) const;

 private:
  nn::ClassifierOptions classifier_of(const NormArm& arm) const;
  std::shared_ptr<nn::Sequential> build(const NormArm& arm) const;
  // What an arm's checkpoints say of it.
  train::RunDescription description(const NormArm& arm, const ExperimentRun& run) const;
  using Display = std::shared_ptr<train::ProgressDisplay>;
  ArmResult run_arm(Index arm, const ExperimentRun& run, const Display& display) const;
  // The part that may fail.
  void train_arm(ArmResult& result, Index place, const ExperimentRun& run, const Display& display) const;

  ExperimentOptions options_;
  TrainingData data_;
  nlohmann::ordered_json data_record_;  // reading all data takes a while: made once
};

}  // namespace keel::apps
