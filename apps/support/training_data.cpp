#include "support/training_data.h"

#include <charconv>
#include <cstdlib>

#include "keel/data/load.h"

namespace keel::apps {

using nlohmann::ordered_json;

std::optional<data::ImageSize> resize_of(const CommandLine& command) {
  const std::string& text = command.text("resize");
  if (text == "no") return std::nullopt;
  constexpr Index kMost = 4096;
  data::ImageSize size;
  const char* const end = text.data() + text.size();
  const auto height = std::from_chars(text.data(), end, size.height);
  const bool crossed = height.ec == std::errc() && height.ptr != end && *height.ptr == 'x';
  const auto width = crossed ? std::from_chars(height.ptr + 1, end, size.width) : height;
  const bool in_range = size.height >= 1 && size.height <= kMost && size.width >= 1 && size.width <= kMost;
  if (!crossed || width.ec != std::errc() || width.ptr != end || !in_range) {
    throw UsageError(fmt::format(
        "--resize: expected HEIGHTxWIDTH (28x28, each from 1 to {}) or no, found '{}'", kMost, text));
  }
  return size;
}

namespace {

data::DataKind kind_of(const CommandLine& command) {
  const std::string& source = command.text("data");
  if (source.empty()) throw UsageError("--data: expected a directory or synthetic, found ''");
  return data::kind_of_data_set(source);
}

std::string for_resize(const CommandLine& command) {
  return "with image folders only, found --data " + command.text("data");
}

data::TrainTest load(const CommandLine& command, Index limit) {
  const std::string& source = command.text("data");
  const std::optional<data::ImageSize> resize = resize_of(command);
  const data::DataKind kind = kind_of(command);
  if (resize && kind != data::DataKind::image_folder)
    throw UsageError("--resize: expected " + for_resize(command));
  // No more digits are drawn than will be used; each one is the same for any number of them.
  data::SyntheticSetsOptions digits;
  const Index all_digits = digits.train_count;
  if (limit > 0) digits.train_count = std::min(limit, all_digits);
  data::TrainTest sets =
      data::load_data_set(source, {.synthetic = digits, .image_folder = {.resize = resize}});
  const Index available = kind == data::DataKind::synthetic ? all_digits : sets.train->size();
  // A recorded limit is that of the data of the run.
  if (limit > available && command.given("train-limit")) {
    throw UsageError(
        fmt::format("--train-limit: expected at most the {} training examples, found {}", available, limit));
  }
  if (limit > 0) sets.train = data::take(sets.train, std::min(limit, available));
  return sets;
}

}  // namespace

void add_data_source(CommandLine& command) {
  const char* mnist = std::getenv("KEEL_MNIST_DIR");
  command.add(
      "data", "DIR|synthetic", mnist != nullptr && *mnist != '\0' ? mnist : "data/mnist",
      "Directory with the four files of MNIST or of data in its format, plain or .gz; or directory "
      "with a folder of PNG or JPEG images for each class; or synthetic: generated digits. The default "
      "is $KEEL_MNIST_DIR if that is set");
}

data::TrainTest load_source(const CommandLine& command) {
  kind_of(command);
  return data::load_data_set(command.text("data"));
}

void add_data_options(CommandLine& command) {
  add_data_source(command);
  command.add("resize", "HxW|no", "no",
              "Resize the images of folders, to 28x28 for example; no: they have one size");
  command.add_number("validation-split", "F", "0.2",
                     "Share of the training set, at its end, that is held out for validation; 0 < F < 1");
  command.add_number("train-limit", "N", "0",
                     "Use only the first N training examples (before the split); 0: all");
}

void settle_data_options(CommandLine& command) {
  resize_of(command);
  command.only_if(kind_of(command) == data::DataKind::image_folder, "resize", for_resize(command));
}

TrainingData load_training_data(const CommandLine& command) {
  const double split =
      command.real("validation-split", "a number between 0 and 1", [](double f) { return f > 0 && f < 1; });
  const data::TrainTest sets = load(command, command.integer("train-limit", 0));
  TrainingData loaded = {.name = data::name_of_data_set(command.text("data"), sets),
                         .source = command.text("data") == "synthetic" ? "" : command.text("data"),
                         .training = sets.train,
                         .validation = sets.validation,
                         .test = sets.test};
  if (loaded.validation && command.given("validation-split")) {
    throw UsageError(
        fmt::format("--validation-split: expected with data without a validation part, found --data {}, "
                    "which has one",
                    command.text("data")));
  }
  if (!loaded.validation) {
    try {
      const data::Split parts = data::split_last(sets.train, split);
      loaded.training = parts.training;
      loaded.validation = parts.validation;
    } catch (const ValueError& error) {
      throw UsageError(fmt::format("--validation-split: {}", error.what()));
    }
  }
  return loaded;
}

Index batch_size_of(const CommandLine& command, const TrainingData& data) {
  const Index batch_size = command.integer("batch-size", 1);
  if (batch_size > data.training->size()) {
    throw UsageError(fmt::format("--batch-size: expected at most the {} training examples, found {}",
                                 data.training->size(), batch_size));
  }
  return batch_size;
}

data::Batches evaluation_batches(const data::DatasetPtr& dataset) {
  constexpr Index kEvaluationBatch = 256;
  return data::Batches(dataset, {.batch_size = std::min(kEvaluationBatch, dataset->size())});
}

ordered_json data_record(const TrainingData& data) {
  ordered_json record = {{"name", data.name}, {"description", data.training->description()}};
  if (!data.source.empty()) record["source"] = data.source;
  for (const auto& [part, dataset] :
       {std::pair("training", data.training), std::pair("validation", data.validation),
        std::pair("test", data.test)}) {
    record[part] = {{"examples", dataset->size()}, {"crc32", dataset->fingerprint()}};
  }
  return record;
}

}  // namespace keel::apps
