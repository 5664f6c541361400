#include "support/trained_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "keel/io/json_text.h"
#include "keel/nn/fold_batch_norm.h"
#include "keel/nn/model_description.h"
#include "keel/train/checkpoint_directory.h"
#include "keel/train/model_file.h"

namespace keel::apps {

namespace fs = std::filesystem;

namespace {

constexpr const char* kCheckpoints = "checkpoints";

fs::path checkpoint_in(const fs::path& directory) {
  std::error_code ignored;
  // The directory of the checkpoints themselves will do as well.
  const bool below = fs::is_directory(directory / kCheckpoints, ignored);
  const train::CheckpointDirectory checkpoints(below ? directory / kCheckpoints : directory);
  for (const fs::path& path : {checkpoints.best(), checkpoints.last()}) {
    if (fs::exists(path, ignored)) return path;
  }
  std::vector<std::string> runs;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (fs::is_directory(entry.path() / kCheckpoints, ignored)) runs.push_back(entry.path().string());
  }
  std::sort(runs.begin(), runs.end());
  const std::string found =
      runs.empty() ? "no such file" : fmt::format("runs below it: {}", fmt::join(runs, ", "));
  throw FileError(fmt::format("{}: a run with checkpoints/best.safetensors expected, found {}",
                              directory.string(), found));
}

// Of each norm that fold_batch_norm() passes over.
const char* reason_against_folding(const std::string& kind) {
  if (kind == "weight_norm") return "normalises weights and has no statistics";
  if (kind == "mean_only_batch_norm") return "only shifts, which costs next to nothing";
  if (kind == "batch_layer_norm") return "mixes the batch's statistics with those of each example";
  return "takes its statistics from each example";
}

// What --fold-bn leaves as it is, said on stderr: "layer 3 (layer_norm)"; or that it finds nothing at all.
void report_norms_that_stay(nn::Module& model, bool folded) {
  std::vector<std::string> layers;
  std::set<std::string> reasons;
  model.visit([&](const std::string& path, nn::Module& layer) {
    if (!nn::ModelDescription::is_norm(layer.kind())) return;
    layers.push_back(fmt::format("layer {} ({})", path, layer.kind()));
    reasons.insert(fmt::format("a {} {}", layer.kind(), reason_against_folding(layer.kind())));
  });
  if (layers.empty()) {
    if (!folded) {
      fmt::print(stderr,
                 "warning: --fold-bn: expected a model with BatchNorm, BatchRenorm or FullNorm, found one "
                 "without norms, or with norms inside of recurrent layers only\n");
    }
    return;
  }
  fmt::print(
      stderr,
      "warning: --fold-bn folds BatchNorm, BatchRenorm and FullNorm only, and leaves as it was: {}; {}\n",
      fmt::join(layers, ", "), fmt::join(reasons, ", "));
}

}  // namespace

std::string TrainedModel::title() const {
  std::string text = fmt::format("{}: {}, {} parameters", path.string(), name, model->num_parameters());
  if (!folded.empty()) {
    text += fmt::format(", norms folded ({} layer{})", folded.size(), folded.size() == 1 ? "" : "s");
  }
  return text;
}

void add_checkpoint_argument(CommandLine& command) {
  command.add_positional("CHECKPOINT",
                         "Directory of a run, for its best weights; or a file of weights, such as "
                         "RUN/checkpoints/last.safetensors");
}

fs::path checkpoint_file(const CommandLine& command) {
  const fs::path path = command.positional("CHECKPOINT").front();
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? checkpoint_in(path) : path;
}

void add_trained_model(CommandLine& command) {
  add_checkpoint_argument(command);
  command.add_flag(
      "fold-bn",
      "Fold BatchNorm, BatchRenorm and FullNorm into the layers beside them: the same results but for "
      "rounding, faster");
}

TrainedModel load_trained_model(const CommandLine& command) {
  const fs::path path = checkpoint_file(command);
  const train::SavedModel saved = train::read_model(path);
  const std::string options = saved.options.empty() ? "{}" : saved.options;
  io::check_json(options, path.string() + ": keel.options");
  TrainedModel trained = {.path = path,
                          .name = saved.description.model().empty() ? "model" : saved.description.model(),
                          .model = saved.model,
                          .input = saved.description.input().value(),
                          .class_names = saved.class_names,
                          .options = nlohmann::ordered_json::parse(options),
                          .folded = {}};
  if (!trained.options.is_object()) trained.options = nlohmann::ordered_json::object();
  if (command.flag("fold-bn")) {
    nn::FoldedModel folded = nn::fold_batch_norm(*saved.model);
    trained.model = std::move(folded.model);
    trained.folded = std::move(folded.folded);
    report_norms_that_stay(*trained.model, !trained.folded.empty());
  }
  return trained;
}

}  // namespace keel::apps
