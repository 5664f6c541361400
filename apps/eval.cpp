// keel-eval: how well a trained model does on data.
#include <cmath>
#include <filesystem>
#include <optional>

#include "keel/data/image_folder.h"
#include "keel/data/load.h"
#include "keel/train/confusion.h"
#include "keel/train/metrics.h"
#include "support/command_line.h"
#include "support/evaluation_report.h"
#include "support/run_directory.h"
#include "support/threads_option.h"
#include "support/trained_model.h"
#include "support/training_data.h"

namespace {

using namespace keel;
using apps::CommandLine;
using nlohmann::ordered_json;

void declare(CommandLine& command) {
  apps::add_trained_model(command);
  apps::add_data_options(command);
  command.add("part", "NAME", "test",
              "test, validation or train, cut as the run did unless --validation-split or --train-limit say "
              "otherwise; all: a folder of classes as a whole");
  command.add_number("batch-size", "N", "256", "Examples in a batch; results are the same but for rounding");
  apps::add_threads(command);
  command.add("json", "FILE", "", "Write the figures to a file as well");
}

// What decided how the run cut its data, where the command line does not.
void take_recorded_cuts(CommandLine& command, const ordered_json& options) {
  for (const char* name : {"resize", "validation-split", "train-limit"}) {
    const auto recorded = options.find(name);
    if (recorded != options.end()) command.set_fallback(name, *recorded);
  }
}

struct Part {
  std::string name;
  data::DatasetPtr dataset;
};

Part load_part(const CommandLine& command, const apps::TrainedModel& trained) {
  const std::string& part = command.choice("part", {"test", "validation", "train", "all"});
  const std::string& source = command.text("data");
  if (part != "all") {
    const apps::TrainingData data = apps::load_training_data(command);
    return {fmt::format("{} set of {}", part == "train" ? "training" : part, data.name),
            part == "test"    ? data.test
            : part == "train" ? data.training
                              : data.validation};
  }
  if (source.empty() || data::kind_of_data_set(source) != data::DataKind::image_folder) {
    throw apps::UsageError(
        fmt::format("--part all: expected a folder of classes as --data, found '{}'", source));
  }
  const data::ImageFolderOptions options = {
      .resize = apps::resize_of(command),
      .channels = trained.input[-1] == 1 ? data::ImageChannels::gray : data::ImageChannels::color,
      .classes = trained.class_names};
  return {source, data::load_image_folder(source, options)};
}

void require_fitting(const data::Dataset& dataset, const apps::TrainedModel& trained,
                     const std::string& source) {
  check<FileError>(dataset.example_shape() == trained.input,
                   "--data {}: examples {} as {} was trained on expected, found {}", source, trained.input,
                   trained.path.string(), dataset.example_shape());
  check<FileError>(dataset.class_names() == trained.class_names,
                   "--data {}: the classes {} of {} expected, found {}", source,
                   fmt::join(trained.class_names, ", "), trained.path.string(),
                   fmt::join(dataset.class_names(), ", "));
}

int run(int argc, char** argv) {
  CommandLine command("keel-eval",
                      "Loss, accuracy, confusion matrix and the figures of each class of a trained model.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  const Index batch_size = command.integer("batch-size", 1);
  apps::use_threads(command);
  const apps::TrainedModel trained = apps::load_trained_model(command);
  take_recorded_cuts(command, trained.options);
  const Part part = load_part(command, trained);
  require_fitting(*part.dataset, trained, command.text("data"));

  train::ConfusionMatrix confusion(static_cast<Index>(trained.class_names.size()));
  const data::Batches batches(part.dataset, {.batch_size = std::min(batch_size, part.dataset->size())});
  const train::Metrics metrics =
      train::evaluate(*trained.model, batches, {},
                      [&](const Tensor& logits, const Tensor& labels) { confusion.add(logits, labels); });

  fmt::print("{}\n{}: {} examples\n\n{}", trained.title(), part.name, metrics.examples(),
             apps::evaluation_text(metrics, confusion, trained.class_names));
  if (!command.text("json").empty()) {
    ordered_json record = {{"checkpoint", trained.path.string()},
                           {"fold_bn", command.flag("fold-bn")},
                           {"data",
                            {{"source", command.text("data")},
                             {"part", command.text("part")},
                             {"description", part.dataset->description()},
                             {"crc32", part.dataset->fingerprint()}}}};
    record.update(apps::evaluation_json(metrics, confusion, trained.class_names));
    apps::write_json(command.text("json"), record);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
