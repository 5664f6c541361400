#include "support/evaluation_data.h"

#include <filesystem>
#include <system_error>

#include "keel/data/image_folder.h"
#include "keel/data/load.h"
#include "support/recorded_run.h"
#include "support/training_data.h"

namespace keel::apps {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kParts = {"test", "validation", "train", "all"};
const std::string kSynthetic = "synthetic";

std::string set_of(const std::string& part) { return part == "train" ? "training" : part; }

// config.json of the run that a checkpoint is of; empty if it lies elsewhere now.
ordered_json config_of(const TrainedModel& trained) {
  const fs::path path = fs::absolute(trained.path).parent_path().parent_path() / "config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return ordered_json::object();
  try {
    return read_record(path);
  } catch (const FileError& error) {
    fmt::print(stderr, "warning: {}\n", error.what());
    return ordered_json::object();
  }
}

// The value behind these keys; null if there is none.
ordered_json value_at(const ordered_json& record, const std::vector<std::string>& keys) {
  const ordered_json* value = &record;
  for (const std::string& key : keys) {
    if (!value->is_object() || !value->contains(key)) return nullptr;
    value = &value->at(key);
  }
  return *value;
}

void take_recorded_data(CommandLine& command, const ordered_json& config) {
  const ordered_json source = value_at(config, {"options", "data"});
  std::error_code ignored;
  // A run from another machine may have had them elsewhere.
  if (source == kSynthetic || (source.is_string() && fs::is_directory(source.get<std::string>(), ignored))) {
    command.set_fallback("data", source);
  }
}

void take_recorded_cuts(CommandLine& command, const ordered_json& options) {
  for (const char* name : {"resize", "validation-split", "train-limit"}) {
    if (options.contains(name)) command.set_fallback(name, options[name]);
  }
}

// The checksum of a part in the run; null if it is not known.
ordered_json recorded_checksum(const TrainedModel& trained, const ordered_json& config,
                               const std::string& set) {
  const ordered_json in_checkpoint = value_at(trained.options, {"data", set});
  return in_checkpoint.is_null() ? value_at(config, {"data", set, "crc32"}) : in_checkpoint;
}

EvaluationData load_part(const CommandLine& command, const TrainedModel& trained, const std::string& part) {
  const std::string& source = command.text("data");
  if (part != "all") {
    const TrainingData data = load_training_data(command);
    return {.name = fmt::format("{} set of {}", set_of(part), data.name),
            .dataset = part == "test"    ? data.test
                       : part == "train" ? data.training
                                         : data.validation,
            .as_in_run = {}};
  }
  if (source.empty() || data::kind_of_data_set(source) != data::DataKind::image_folder) {
    throw UsageError(fmt::format("--part all: expected a folder of classes as --data, found '{}'", source));
  }
  const data::ImageFolderOptions options = {
      .resize = resize_of(command),
      .channels = trained.input[-1] == 1 ? data::ImageChannels::gray : data::ImageChannels::color,
      .classes = trained.class_names};
  return {.name = source, .dataset = data::load_image_folder(source, options), .as_in_run = {}};
}

void require_fitting(const data::Dataset& dataset, const TrainedModel& trained, const std::string& source) {
  check<FileError>(dataset.example_shape() == trained.input,
                   "--data {}: examples {} as {} was trained on expected, found {}", source, trained.input,
                   trained.path.string(), dataset.example_shape());
  check<FileError>(dataset.class_names() == trained.class_names,
                   "--data {}: the classes {} of {} expected, found {}", source,
                   fmt::join(trained.class_names, ", "), trained.path.string(),
                   fmt::join(dataset.class_names(), ", "));
}

}  // namespace

void add_evaluation_data(CommandLine& command) {
  add_data_options(command);
  command.add("part", "NAME", "test",
              "test, validation or train, of the run's own data and cut as the run did, unless options say "
              "otherwise; all: a folder of classes as a whole");
}

EvaluationData load_evaluation_data(CommandLine& command, const TrainedModel& trained) {
  const std::string& part = command.choice("part", kParts);
  const ordered_json config = config_of(trained);
  take_recorded_data(command, config);
  take_recorded_cuts(command, trained.options);
  settle_data_options(command);
  EvaluationData data = load_part(command, trained, part);
  require_fitting(*data.dataset, trained, command.text("data"));
  const ordered_json expected = recorded_checksum(trained, config, set_of(part));
  if (!expected.is_null()) data.as_in_run = expected == data.dataset->fingerprint();
  if (data.as_in_run == false) {
    fmt::print(stderr, "warning: --data {}: not the {} set of the run of {}\n", command.text("data"),
               set_of(part), trained.path.string());
  }
  return data;
}

}  // namespace keel::apps
