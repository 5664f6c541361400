#include "keel/train/model_file.h"

#include <nlohmann/json.hpp>
#include <set>

#include "io/json_shown.h"
#include "keel/core/build_info.h"
#include "keel/io/npz.h"
#include "keel/io/safetensors.h"
#include "keel/nn/pytorch_state.h"
#include "keel/train/checkpoint.h"
#include "train/file_content.h"

namespace keel::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "model 1";

// Weights as a file holds them.
struct Weights {
  std::vector<NamedTensor> tensors;
  std::optional<WeightLayout> layout;  // if the file says it
  std::optional<RunDescription> run;   // the same
};

std::string metadata_of(const io::Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? "" : found->second;
}

WeightLayout layout_named(const std::string& name, const fs::path& path) {
  for (const WeightLayout layout : {WeightLayout::native, WeightLayout::pytorch}) {
    if (name == name_of(layout)) return layout;
  }
  throw FileError(fmt::format("{}: keel.layout native or pytorch expected, found {}", path.string(),
                              io::shown_text(name)));
}

Weights read_weights(const fs::path& path) {
  io::Safetensors file = io::read_safetensors(path);
  const std::string format = metadata_of(file, "keel.format");
  if (format.starts_with("checkpoint")) {
    Checkpoint checkpoint = parse_checkpoint(file, path.string());
    return {std::move(checkpoint.model), WeightLayout::native, std::move(checkpoint.run)};
  }
  Weights weights = {std::move(file.tensors), {}, {}};
  if (format.empty()) return weights;
  check<FileError>(format == kFormat, "{}: keel.format '{}' or that of a checkpoint expected, found {}",
                   path.string(), kFormat, io::shown_text(format));
  weights.layout = layout_named(metadata_of(file, "keel.layout"), path);
  weights.run = RunDescription{.model = metadata_of(file, "keel.model"),
                               .options = metadata_of(file, "keel.options"),
                               .class_names = class_names_from_json(metadata_of(file, "keel.classes"),
                                                                    path.string() + ": keel.classes")};
  return weights;
}

// Calls f(); what it says against the content of the file gets the file's name, unless it begins with it.
template <class F>
auto naming(const fs::path& path, const F& f) {
  const auto named = [&](const Error& error) {
    const std::string message = error.what();
    return FileError(message.starts_with(path.string() + ": ") ? message : path.string() + ": " + message);
  };
  try {
    return f();
  } catch (const ValueError& error) {
    throw named(error);
  } catch (const ShapeError& error) {
    throw named(error);
  }
}

// The tensors that have names of the model's.
std::vector<NamedTensor> those_of(const nn::Module& model, const std::vector<NamedTensor>& tensors) {
  std::set<std::string> names;
  for (const NamedTensor& named : model.state_dict()) names.insert(named.name);
  std::vector<NamedTensor> result;
  for (const NamedTensor& named : tensors) {
    if (names.contains(named.name)) result.push_back(named);
  }
  return result;
}

StateDifference load(nn::Module& model, const Shape& example, const std::vector<NamedTensor>& tensors,
                     WeightLayout layout, bool strict, const fs::path& path) {
  require_finite(those_of(model, tensors), path.string());
  // Outside: a model without an equivalent in PyTorch is no fault of the file.
  if (layout == WeightLayout::pytorch) nn::to_pytorch(model, example);
  return naming(path, [&] {
    return layout == WeightLayout::pytorch
               ? nn::load_pytorch_state_dict(model, example, tensors, {.strict = strict})
               : nn::load_state_dict(model, tensors, {.strict = strict});
  });
}

}  // namespace

const char* name_of(WeightLayout layout) { return layout == WeightLayout::native ? "native" : "pytorch"; }

SavedModel read_model(const fs::path& path) {
  const Weights weights = read_weights(path);
  check<FileError>(weights.run.has_value(),
                   "{}: a checkpoint or another file of a model of Keel's expected, found a safetensors file "
                   "without keel.format in its metadata",
                   path.string());
  const auto description = nn::ModelDescription::parse(weights.run->model, path.string() + ": keel.model");
  // A few bytes of description ask for a model of any size, but no more of it than is there can be loaded.
  nn::ModelLimits limits;
  limits.parameters = 0;
  for (const NamedTensor& named : weights.tensors) limits.parameters += named.tensor.numel();
  auto model = naming(path, [&] { return description.build(Rng(0, Stream::initialization), limits); });
  naming(path, [&] {
    return load(*model, description.input().value(), weights.tensors, weights.layout.value(), true, path);
  });
  const std::size_t names = weights.run->class_names.size();
  check<FileError>(static_cast<Index>(names) == description.classes().value(),
                   "{}: a name for each of the {} classes expected, found {}", path.string(),
                   description.classes().value(), names);
  return {description, std::move(model), weights.run->options, weights.run->class_names};
}

void write_model(const fs::path& path, const SavedModel& saved, WeightLayout layout) {
  check<ValueError>(saved.description.input().has_value(),
                    "[write_model] a description with the shape of the input expected, found {}",
                    saved.description.to_json());
  nn::PyTorchState state = layout == WeightLayout::pytorch
                               ? nn::to_pytorch(*saved.model, saved.description.input().value())
                               : nn::PyTorchState{saved.model->state_dict(), {}};
  if (path.extension() == ".npz") {
    io::write_npz(path, state.tensors, state.stored_as_int64);
    return;
  }
  io::Safetensors file;
  file.metadata = {{"keel.format", kFormat},
                   {"keel.version", build_info().version},
                   {"keel.model", saved.description.to_json()},
                   {"keel.layers", saved.description.to_json_with_layers()},
                   {"keel.options", saved.options},
                   {"keel.classes", class_names_to_json(saved.class_names)},
                   {"keel.layout", name_of(layout)}};
  if (layout == WeightLayout::pytorch) file.metadata["format"] = "pt";
  file.tensors = std::move(state.tensors);
  file.stored_as_int64 = std::move(state.stored_as_int64);
  io::write_safetensors(path, file);
}

StateDifference load_weights(nn::Module& model, const Shape& example, const fs::path& path,
                             const LoadWeightsOptions& options) {
  const Weights weights = read_weights(path);
  check<FileError>(
      weights.layout || options.layout,
      "{}: the layout of its weights expected to be given, native or pytorch, as the file does not "
      "say it",
      path.string());
  const WeightLayout layout = weights.layout.value_or(options.layout.value_or(WeightLayout::native));
  check<FileError>(options.layout.value_or(layout) == layout, "{}: weights in layout {} expected, found {}",
                   path.string(), name_of(options.layout.value_or(layout)), name_of(layout));
  return load(model, example, weights.tensors, layout, options.strict, path);
}

}  // namespace keel::train
