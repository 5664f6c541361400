#include "keel/train/checkpoint.h"

#include <nlohmann/json.hpp>

#include "io/json_shown.h"
#include "keel/core/build_info.h"
#include "keel/io/json_text.h"
#include "keel/nn/state_dict.h"
#include "keel/train/non_finite.h"
#include "train/file_content.h"

namespace keel::train {
namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kFormat = "checkpoint 1";
constexpr const char* kModelPrefix = "model.";
constexpr const char* kOptimizerPrefix = "optimizer.";

json to_json(const EpochRecord& r) {
  return {r.epoch,    r.step,         r.train_loss,    r.train_accuracy,
          r.val_loss, r.val_accuracy, r.learning_rate, r.seconds};
}

json to_json(const FitState& state, Index optimizer_steps) {
  json log = json::array();
  for (const EpochRecord& record : state.log) log.push_back(to_json(record));
  return {{"epoch", state.epoch},
          {"batch", state.batch},
          {"step", state.step},
          {"learning_rate", state.learning_rate},
          {"loss_sum", state.training.loss_sum()},
          {"correct", state.training.correct()},
          {"examples", state.training.examples()},
          {"seconds", state.seconds},
          {"optimizer_steps", optimizer_steps},
          {"log", std::move(log)}};
}

// The texts of a checkpoint's metadata, checked as they are read.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& texts, std::string path)
      : texts_(texts), path_(std::move(path)) {}

  const std::string& text(const char* key) const {
    const auto found = texts_.find(key);
    check<FileError>(found != texts_.end(), "{}: a checkpoint with {} in its metadata expected, found none",
                     path_, key);
    return found->second;
  }

  // Whoever parses it finds no surprises.
  const std::string& json_text(const char* key, const io::JsonLimits& limits = {}) const {
    io::check_json(text(key), place(key), limits);
    return text(key);
  }

  std::string place(const char* key) const { return fmt::format("{}: {}", path_, key); }

  // Calls read(json) for keel.state.
  template <class Read>
  void read_state(const Read& read) const {
    try {
      read(json::parse(json_text("keel.state", {.bytes = kMaxStateText})));
    } catch (const json::exception& error) {
      throw FileError(fmt::format("{} of a checkpoint expected, found something else: {}",
                                  place("keel.state"), error.what()));
    } catch (const ValueError& error) {
      throw FileError(fmt::format("{}: {}", place("keel.state"), error.what()));
    }
  }

 private:
  const std::map<std::string, std::string>& texts_;
  std::string path_;
};

// Stricter than json::get, which makes 1 of 1.7 and of true.
Index whole(const json& value) {
  check<ValueError>(value.is_number_integer(), "a whole number expected, found {}", io::shown(value));
  check<ValueError>(!value.is_number_unsigned() || value.get<std::uint64_t>() >> 63 == 0,
                    "a number of 63 bits expected, found {}", io::shown(value));
  const auto number = value.get<Index>();
  check<ValueError>(number >= 0, "a number of at least 0 expected, found {}", number);
  return number;
}

double real(const json& value) {
  check<ValueError>(value.is_number(), "a number expected, found {}", io::shown(value));
  return value.get<double>();
}

EpochRecord to_record(const json& row) {
  check<ValueError>(row.is_array() && row.size() == 8, "a row of 8 numbers in the log expected, found {}",
                    io::shown(row));
  return {.epoch = whole(row[0]),
          .step = whole(row[1]),
          .train_loss = real(row[2]),
          .train_accuracy = real(row[3]),
          .val_loss = real(row[4]),
          .val_accuracy = real(row[5]),
          .learning_rate = real(row[6]),
          .seconds = real(row[7])};
}

// What fit() makes sure of, as far as it can be known without the data.
//   throws: ValueError
void require_consistent(const FitState& state) {
  check<ValueError>(static_cast<Index>(state.log.size()) == state.epoch,
                    "a log with a row for each of the {} epochs before epoch {} expected, found {}",
                    state.epoch, state.epoch, state.log.size());
  // Of an epoch, once one is done. Divisions, as products may overflow.
  const Index steps = state.epoch >= 2 ? state.log[1].step : 0;
  const auto is_after = [&](Index step, Index epochs) {
    if (epochs == 0) return step == 0;
    return steps > 0 && step % steps == 0 && step / steps == epochs;
  };
  for (Index epoch = 0; epoch < state.epoch; ++epoch) {
    const EpochRecord& row = state.log[static_cast<std::size_t>(epoch)];
    check<ValueError>(row.epoch == epoch && is_after(row.step, epoch),
                      "row {} of the log after epoch {} of {} steps each expected, found epoch {}, step {}",
                      epoch, epoch, steps, row.epoch, row.step);
  }
  const bool before_all = state.epoch == 0 && state.batch == 0;
  const bool in_an_epoch = state.epoch >= 1 && state.batch <= state.step &&
                           is_after(state.step - state.batch, state.epoch - 1) &&
                           (state.epoch == 1 || state.batch <= steps);
  check<ValueError>((before_all && state.step == 0) || in_an_epoch,
                    "a step that fits epoch {} and batch {} expected, found {}", state.epoch, state.batch,
                    state.step);
}

FitState to_state(const json& object) {
  FitState state = {.epoch = whole(object.at("epoch")),
                    .batch = whole(object.at("batch")),
                    .step = whole(object.at("step")),
                    .learning_rate = real(object.at("learning_rate")),
                    .training = Metrics(real(object.at("loss_sum")), whole(object.at("correct")),
                                        whole(object.at("examples"))),
                    .seconds = real(object.at("seconds"))};
  const json& log = object.at("log");
  check<ValueError>(log.is_array(), "a list of rows as log expected, found {}", log.type_name());
  for (const json& row : log) state.log.push_back(to_record(row));
  require_consistent(state);
  return state;
}

std::vector<NamedTensor> with_prefix(const std::string& prefix, const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> result;
  for (const NamedTensor& named : tensors) result.push_back({prefix + named.name, named.tensor});
  return result;
}

// throws: NonFiniteLoss
void require_saveable(const Checkpoint& checkpoint) {
  const std::vector<std::string> names = non_finite_names(checkpoint.model);
  check<NonFiniteLoss>(names.empty(),
                       "after step {} the model has values that are infinite or no numbers, so it is not "
                       "saved: {}",
                       checkpoint.state.step, fmt::join(names, ", "));
}

}  // namespace

Checkpoint checkpoint_of(const RunDescription& run, const FitState& state, const nn::Module& model,
                         const optim::Optimizer& optimizer) {
  return {.run = run,
          .state = state,
          .model = model.state_dict(),
          .optimizer = optimizer.state(),
          .optimizer_steps = optimizer.step_count()};
}

void write_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  require_saveable(checkpoint);
  const std::string state = to_json(checkpoint.state, checkpoint.optimizer_steps).dump();
  check<ValueError>(state.size() <= kMaxStateText,
                    "[write_checkpoint] a state of at most {} bytes expected, found {}: the log has {} rows",
                    kMaxStateText, state.size(), checkpoint.state.log.size());
  io::Safetensors file;
  file.metadata = {{"keel.format", kFormat},
                   {"keel.version", build_info().version},
                   {"keel.model", checkpoint.run.model},
                   {"keel.options", checkpoint.run.options},
                   {"keel.classes", class_names_to_json(checkpoint.run.class_names)},
                   {"keel.state", state}};
  file.tensors = with_prefix(kModelPrefix, checkpoint.model);
  for (NamedTensor& named : with_prefix(kOptimizerPrefix, checkpoint.optimizer)) {
    file.tensors.push_back(std::move(named));
  }
  io::write_safetensors(path, file);
}

Checkpoint read_checkpoint(const fs::path& path) {
  return parse_checkpoint(io::read_safetensors(path), path.string());
}

Checkpoint parse_checkpoint(const io::Safetensors& file, const std::string& name) {
  const Metadata metadata(file.metadata, name);
  const std::string& format = metadata.text("keel.format");
  check<FileError>(file.checksum_verified, "{}: a checkpoint with a checksum expected, found none", name);
  const bool of_another_version = format != kFormat && format.starts_with("checkpoint ");
  const std::string found = fmt::format("{}: keel.format '{}' expected, found '{}'", name, kFormat, format);
  if (of_another_version) throw CheckpointVersionError(found);
  check<FileError>(format == kFormat, "{}", found);
  Checkpoint checkpoint;
  checkpoint.run = {
      .model = metadata.text("keel.model"),
      .options = metadata.json_text("keel.options"),
      .class_names = class_names_from_json(metadata.text("keel.classes"), metadata.place("keel.classes"))};
  metadata.read_state([&](const json& object) {
    checkpoint.state = to_state(object);
    checkpoint.optimizer_steps = whole(object.at("optimizer_steps"));
  });
  for (const NamedTensor& named : file.tensors) {
    const bool of_model = named.name.starts_with(kModelPrefix);
    const std::string prefix = of_model ? kModelPrefix : kOptimizerPrefix;
    check<FileError>(named.name.starts_with(prefix), "{}: tensors named {}... or {}... expected, found {}",
                     name, kModelPrefix, kOptimizerPrefix, io::shown_text(named.name));
    (of_model ? checkpoint.model : checkpoint.optimizer)
        .push_back({named.name.substr(prefix.size()), named.tensor});
  }
  require_finite(checkpoint.model, name);
  return checkpoint;
}

void restore(const Checkpoint& checkpoint, nn::Module& model, optim::Optimizer& optimizer) {
  std::vector<NamedTensor> before;
  for (const NamedTensor& named : model.state_dict()) before.push_back({named.name, named.tensor.clone()});
  nn::load_state_dict(model, checkpoint.model);
  try {
    optimizer.load_state(checkpoint.optimizer, checkpoint.optimizer_steps);
  } catch (const Error&) {
    nn::load_state_dict(model, before);
    throw;
  }
}

}  // namespace keel::train
