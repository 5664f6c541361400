// keel-eval: how well a trained model does on data.
#include <optional>

#include "keel/train/confusion.h"
#include "keel/train/metrics.h"
#include "support/command_line.h"
#include "support/evaluation_data.h"
#include "support/evaluation_report.h"
#include "support/run_directory.h"
#include "support/threads_option.h"
#include "support/trained_model.h"

namespace {

using namespace keel;
using apps::CommandLine;
using nlohmann::ordered_json;

void declare(CommandLine& command) {
  apps::add_trained_model(command);
  apps::add_evaluation_data(command);
  command.add_number("batch-size", "N", "256", "Examples in a batch; results are the same but for rounding");
  apps::add_threads(command);
  command.add("json", "FILE", "", "Write the figures to a file as well");
}

ordered_json as_json(std::optional<bool> known) { return known ? ordered_json(*known) : ordered_json(); }

int run(int argc, char** argv) {
  CommandLine command("keel-eval",
                      "Evaluates a trained model: loss, accuracy, confusion matrix, and the figures of\n"
                      "each class.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  const Index batch_size = command.integer("batch-size", 1);
  apps::use_threads(command);
  const apps::TrainedModel trained = apps::load_trained_model(command);
  const apps::EvaluationData part = apps::load_evaluation_data(command, trained);

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
                             {"crc32", part.dataset->fingerprint()},
                             {"as_in_run", as_json(part.as_in_run)}}}};
    record.update(apps::evaluation_json(metrics, confusion, trained.class_names));
    apps::write_json(command.text("json"), record);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
