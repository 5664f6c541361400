// The data of a training program: which set, and how it is cut.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "keel/data/batches.h"
#include "keel/data/image_folder.h"
#include "support/command_line.h"

namespace keel::apps {

struct TrainingData {
  std::string name;    // "mnist" for MNIST itself, "synthetic", or the name of the directory
  std::string source;  // the directory, if there is one
  data::DatasetPtr training, validation, test;
};

// --data alone, and the sets that it names.   throws: UsageError; what data::load_data_set() throws
void add_data_source(CommandLine& command);
data::TrainTest load_source(const CommandLine& command);

// --data, --resize, --validation-split, --train-limit.
void add_data_options(CommandLine& command);

// What is for data of another kind has its default.   throws: UsageError if it was given; FileError if there
// are no such data
void settle_data_options(CommandLine& command);

// --resize: height and width; nothing for "no".   throws: UsageError
std::optional<data::ImageSize> resize_of(const CommandLine& command);

//   throws: UsageError if an option does not fit the data; what data::load_data_set() throws
TrainingData load_training_data(const CommandLine& command);

// --batch-size.   throws: UsageError if there are fewer training examples
Index batch_size_of(const CommandLine& command, const TrainingData& data);

// A held-out part, in order and in batches that suit evaluation.
data::Batches evaluation_batches(const data::DatasetPtr& dataset);

// For config.json: what the data are, with a checksum of each part. Reads all of them, which takes a while.
nlohmann::ordered_json data_record(const TrainingData& data);

}  // namespace keel::apps
