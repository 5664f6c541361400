#include "support/model_options.h"

#include <filesystem>

#include "keel/core/did_you_mean.h"
#include "keel/io/atomic_file.h"
#include "keel/train/model_file.h"
#include "support/norm_arms.h"

namespace keel::apps {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;
const std::vector<std::string> kDetails = {"norm",       "batch-norm", "bn-position", "bn-momentum",
                                           "bn-epsilon", "dropout",    "init"};

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

void add_model_details(CommandLine& command) {
  command.add("bn-position", "after|before|auto", "auto",
              "BatchNorm after or before the activation; auto: after for mlp, otherwise before");
  command.add_number(
      "bn-momentum", "M|none", "0.1",
      "Weight of the new batch in running statistics, 0 to 1; none: plain average over all batches");
  command.add_number("bn-epsilon", "E", "1e-5", "Added to the variance");
  command.add_number("dropout", "P", "0", "Dropout in front of the last layer, 0 <= P < 1");
  command.add("init", "NAME", "pytorch_default",
              fmt::format("Initial weights: {}", fmt::join(nn::initializer_names(), ", ")));
}

nn::BatchNormOptions batch_norm_options_of(const CommandLine& command) {
  nn::BatchNormOptions norm = {.momentum = nn::kCumulativeAverage};
  if (command.text("bn-momentum") != "none") {
    norm.momentum = command.real("bn-momentum", "a number from 0 to 1, or none",
                                 [](double m) { return m >= 0 && m <= 1; });
  }
  norm.epsilon =
      command.real("bn-epsilon", "a number from 1e-30 to 1", [](double e) { return e >= 1e-30 && e <= 1; });
  return norm;
}

double dropout_of(const CommandLine& command) {
  return command.real("dropout", "a number from 0 to below 1", [](double p) { return p >= 0 && p < 1; });
}

std::optional<nn::NormPosition> norm_position_of(const CommandLine& command) {
  const std::string& position = command.choice("bn-position", {"after", "before", "auto"});
  if (position == "auto") return std::nullopt;
  return position == "before" ? nn::NormPosition::before_activation : nn::NormPosition::after_activation;
}

void add_model_options(CommandLine& command) {
  command.add("model", "NAME|FILE", "mlp",
              fmt::format("{}, or a file that describes one in JSON: {{\"layers\": [{{\"layer\": \"dense\", "
                          "\"units\": 64}}, ...]}}",
                          fmt::join(nn::ModelDescription::named_models(), ", ")));
  command.add("norm", "NORM", kUsualNorm,
              fmt::format("Wherever the model may have one: auto, as it usually has, or {}", norm_choices()));
  command.add("batch-norm", "on|off|auto", "auto", "on is --norm batch, off is --norm none");
  add_model_details(command);
}

bool is_named_model(const CommandLine& command) {
  const std::vector<std::string> names = nn::ModelDescription::named_models();
  return std::find(names.begin(), names.end(), command.text("model")) != names.end();
}

namespace {

void settle_norm(CommandLine& command) {
  if (!command.given("norm") && command.given("batch-norm")) command.set_fallback("norm", kUsualNorm);
  if (!command.given("batch-norm") && command.given("norm")) command.set_fallback("batch-norm", "auto");
  const std::string& norm = command.text("norm");
  require_norm(norm, {kUsualNorm});
  const std::string& batch_norm = command.choice("batch-norm", {"on", "off", "auto"});
  const std::string same = batch_norm == "on" ? "batch" : "none";
  if (batch_norm != "auto" && norm != kUsualNorm && norm != same) {
    throw UsageError(
        fmt::format("--norm: expected {} with --batch-norm {}, found '{}'", same, batch_norm, norm));
  }
  for (const char* option : {"bn-momentum", "bn-epsilon"}) {
    command.only_if(norm == kUsualNorm || norm == "batch", option,
                    fmt::format("with --norm batch only, found --norm {}", norm));
  }
}

}  // namespace

void settle_model_options(CommandLine& command) {
  const std::string& model = command.text("model");
  // A recorded description counts, whether its file is still there or not.
  const bool described = !is_named_model(command) && (!command.given("model") || is_there(model));
  for (const std::string& detail : kDetails) {
    command.only_if(!described, detail, fmt::format("with a model of a name only; {} says it itself", model));
  }
  settle_norm(command);
}

nn::ModelDescription model_description_of(const CommandLine& command) {
  const std::string& model = command.text("model");
  if (!is_named_model(command)) {
    if (is_there(model)) {
      return nn::ModelDescription::parse(io::read_file(model, kMostBytes), model);
    }
    const std::vector<std::string> names = nn::ModelDescription::named_models();
    throw UsageError(
        fmt::format("--model: expected one of {}, or a file that describes a model, found '{}'{}",
                    fmt::join(names, ", "), model, did_you_mean(model, names)));
  }
  nn::NamedModelOptions options = {.norm_position = norm_position_of(command),
                                   .batch_norm_options = batch_norm_options_of(command),
                                   .dropout = dropout_of(command),
                                   .init = command.choice("init", nn::initializer_names())};
  const std::string& batch_norm = command.choice("batch-norm", {"on", "off", "auto"});
  if (batch_norm != "auto") options.batch_norm = batch_norm == "on";
  const std::string& norm = command.text("norm");
  require_norm(norm, {kUsualNorm});
  if (norm != kUsualNorm) options.norm = norm;
  return nn::ModelDescription::named(model, options);
}

void add_initial_weights(CommandLine& command) {
  command.add("init-from", "FILE", "",
              "Start from the weights in a checkpoint or another safetensors file, in place of random ones");
  command.add("layout", "native|pytorch|auto", "auto",
              "How a file for --init-from holds weights; auto: as it says itself");
  command.add_flag("non-strict", "Take what fits from the file for --init-from, and say what does not");
}

bool has_initial_weights(const CommandLine& command) { return !command.text("init-from").empty(); }

void settle_initial_weights(CommandLine& command) {
  for (const char* option : {"layout", "non-strict"}) {
    command.only_if(has_initial_weights(command), option, "with --init-from only");
  }
}

void load_initial_weights(const CommandLine& command, nn::Module& model, const Shape& example) {
  train::LoadWeightsOptions options = {.strict = !command.flag("non-strict")};
  const std::string& layout = command.choice("layout", {"native", "pytorch", "auto"});
  if (layout == "native") options.layout = train::WeightLayout::native;
  if (layout == "pytorch") options.layout = train::WeightLayout::pytorch;
  const std::string& file = command.text("init-from");
  const StateDifference left_out = train::load_weights(model, example, file, options);
  if (!left_out.empty()) fmt::print(stderr, "warning: {}: {}\n", file, left_out.to_string());
}

}  // namespace keel::apps
