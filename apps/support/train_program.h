// keel-train without its command line: one model on one data set, from start to end.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "keel/nn/model_description.h"
#include "keel/train/fit.h"
#include "support/command_line.h"
#include "support/training_data.h"
#include "support/training_run.h"

namespace keel::apps {

class TrainProgram {
 public:
  // Everything a run writes, relative to its directory, and what of it is out of date once a run goes on.
  static std::vector<std::filesystem::path> files();
  static std::vector<std::filesystem::path> derived_files();

  // Loads the data, builds the model and checks that every option fits both, so that nothing of that can end
  // a run later.
  //   record: what config.json says beside data and model; its "options" say how to train
  //   recorded_model: a description to take instead of what the options say
  //   starts: that the run starts at the beginning, with the weights of --init-from if there are any
  //   throws: UsageError, FileError; ValueError or ShapeError if the model cannot be trained on the data
  TrainProgram(const CommandLine& command, nlohmann::ordered_json record,
               const nlohmann::ordered_json* recorded_model, bool starts);

  const nlohmann::ordered_json& data_record() const { return record_.at("data"); }

  // What run() does, in a directory.
  //   course: the options that may not change when the run goes on
  //   found: where it goes on
  //   throws: what require_resumable() throws
  TrainingRun training_run(const std::filesystem::path& directory, const nlohmann::ordered_json& course,
                           bool resume, std::optional<train::CheckpointDirectory::Found> found) const;
  // Trains, evaluates and prints. Returns the exit status.
  int run(const TrainingRun& run);

 private:
  struct Evaluation {
    std::string weights;  // "last", "best, epoch 7"
    train::Metrics validation, test;
  };
  Evaluation evaluate(const std::string& weights, nn::Module& model) const;
  // Of a copy whose running statistics are estimated anew, which is saved as well.
  Evaluation recalibrate(const train::CheckpointDirectory& checkpoints, Index batches) const;
  Evaluation evaluate_best(const train::CheckpointDirectory& checkpoints) const;
  std::vector<Evaluation> evaluate_all(const std::filesystem::path& directory) const;
  nlohmann::ordered_json summary_of(const std::string& ending,
                                    const std::vector<train::EpochRecord>& log) const;
  void report(const train::FitResult& result, const std::vector<Evaluation>& evaluations,
              const std::filesystem::path& directory) const;

  const CommandLine& command_;
  nlohmann::ordered_json record_;
  TrainingData data_;
  Index epochs_, batch_size_;
  std::uint64_t seed_;
  nn::ModelDescription description_;
  std::shared_ptr<nn::Sequential> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  data::Batches training_, validation_, test_;
  std::string table_;
  Index recalibrate_ = 0;  // batches, for --recalibrate-bn
};

}  // namespace keel::apps
