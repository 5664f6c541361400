// The data that a trained model is evaluated on.
#pragma once

#include <optional>
#include <string>

#include "keel/data/dataset.h"
#include "support/command_line.h"
#include "support/trained_model.h"

namespace keel::apps {

// --part, and the options of add_data_options().
void add_evaluation_data(CommandLine& command);

struct EvaluationData {
  std::string name;  // "test set of mnist"
  data::DatasetPtr dataset;
  // Whether they are, by their checksum, the same part of the run that trained the model; nothing where that
  // is not known.
  std::optional<bool> as_in_run;
};

// What the options say, and where they say nothing, what the run did that trained the model: which data, and
// how it cut them. Warns on stderr if the data are others than the run's.
//   throws: UsageError; FileError if there are no such data, or their examples or classes are not the model's
EvaluationData load_evaluation_data(CommandLine& command, const TrainedModel& trained);

}  // namespace keel::apps
