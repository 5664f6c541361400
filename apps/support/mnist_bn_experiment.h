// The experiment of the Batch Normalization articles: the same model with and without BatchNorm, on the same
// batches.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "keel/data/dataset.h"
#include "keel/nn/models.h"
#include "keel/train/callback.h"
#include "keel/train/metrics.h"

namespace keel::apps {

struct ExperimentOptions {
  std::string model = "mlp";              // or "cnn"
  nn::ClassifierOptions classifier = {};  // of the arm with BatchNorm
  std::string optimizer = "adam";         // or "adamw", "sgd"
  double learning_rate = 1e-3;
  Index epochs = 10;
  Index batch_size = 32;
  bool drop_last = false;
  std::uint64_t seed = 1;
};

struct ExperimentData {
  std::string name;    // "mnist": a directory in MNIST's format; or "synthetic"
  std::string source;  // the directory, if there is one
  data::DatasetPtr training, validation, test;
};

// One of the two models, from start to end.
struct ArmResult {
  std::string name;   // "no_bn" or "bn": the directory its files go to
  std::string title;  // "no BN" or "BN"
  Index parameters = 0;
  std::vector<train::EpochRecord> log;
  train::Metrics test;
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

class Experiment {
 public:
  Experiment(ExperimentOptions options, ExperimentData data);

  // The names of the arms, in the order they run.
  static const std::vector<std::string>& arms();
  // The files that the arms and the summary are written to, relative to the run's directory.
  static std::vector<std::filesystem::path> files();

  // Finds what would fail in the middle of a run.   throws: what train::check_batches() throws
  void check() const;
  // Trains and tests one arm; writes its config.json and epochs.csv below `directory`.
  ArmResult run(const std::string& arm, const std::filesystem::path& directory,
                const nlohmann::ordered_json& run_record) const;

  std::string model_table(const std::string& arm) const;
  // One line: what is run on what.
  std::string title() const;
  nlohmann::ordered_json summary(const std::vector<ArmResult>& results) const;
  std::string table(const std::vector<ArmResult>& results) const;

 private:
  std::shared_ptr<nn::Sequential> build(const std::string& arm) const;
  nlohmann::ordered_json data_record() const;

  ExperimentOptions options_;
  ExperimentData data_;
};

}  // namespace keel::apps
