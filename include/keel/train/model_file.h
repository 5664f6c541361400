// Trained models in files: out of checkpoints, into files for other programs, and from these.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/nn/model_description.h"
#include "keel/nn/state_dict.h"

namespace keel::train {

// How a file holds weights: as in state_dict(), or as the equivalent torch.nn model does (see
// keel/nn/pytorch_state.h).
enum class WeightLayout { native, pytorch };
const char* name_of(WeightLayout layout);  // "native"

struct SavedModel {
  nn::ModelDescription description;  // with input and classes
  std::shared_ptr<nn::Sequential> model;
  std::string options;                   // JSON: those of the run that trained it
  std::vector<std::string> class_names;  // in the order of labels
};

// The model in a checkpoint, or in a file that write_model() made (but for .npz).
//   throws: FileError naming the file, what was expected and what was found; the model must also be within
//   nn::ModelLimits, its weights and statistics finite, and its classes' names without control characters
SavedModel read_model(const std::filesystem::path& path);

// Writes parameters and buffers to a .npz file, if the path ends so, or else to a safetensors file whose
// metadata has keel.format, keel.version, keel.model, keel.layers (the same model, layer by layer),
// keel.options, keel.classes, keel.layout, and in
// PyTorch's layout "format": "pt", which some of its tools ask for. As a whole or not at all.
//   throws: ValueError if the description has no input, a name of a class has control characters, or the
//   layout is PyTorch's and there is no equivalent model, see nn::to_pytorch(); FileError if the file cannot
//   be written
void write_model(const std::filesystem::path& path, const SavedModel& saved, WeightLayout layout);

struct LoadWeightsOptions {
  // Of a file that does not say it. Checkpoints and files of write_model() do.
  std::optional<WeightLayout> layout = {};
  // Otherwise what fits is loaded, and the rest is left as it was.
  bool strict = true;
};

// Gives a model the weights in a safetensors file: a checkpoint, a file of write_model(), or one of another
// program. All or nothing: if it throws, the model is unchanged. `example` is the shape of one example.
// Returns what did not fit; nothing of it, if strict.
//   throws: FileError naming the file and what is wrong with it: it is damaged; its layout is not known, or
//   is not the one in `options`; values for the model are infinite or no numbers; tensors are missing,
//   unexpected or of another shape (unless not strict), or none fits at all; ValueError if the layout is
//   PyTorch's and there is no equivalent model
StateDifference load_weights(nn::Module& model, const Shape& example, const std::filesystem::path& path,
                             const LoadWeightsOptions& options = {});

}  // namespace keel::train
