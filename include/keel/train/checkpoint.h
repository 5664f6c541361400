// Checkpoints: all of a training run in one file, from which it goes on as if it had never stopped.
//
// The file is a safetensors file (keel/io/safetensors.h) that any reader of that format opens:
//   tensors    "model.NAME" for each parameter and buffer, "optimizer.NAME.m" and the like for the optimiser
//   metadata   keel.format, keel.version, and the members of RunDescription and FitState as JSON:
//              keel.model, keel.options, keel.classes, keel.state
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keel/core/error.h"
#include "keel/core/named_tensor.h"
#include "keel/io/safetensors.h"
#include "keel/nn/module.h"
#include "keel/optim/optimizer.h"
#include "keel/train/fit_state.h"

namespace keel::train {

// What is needed to build the model again and to know what it was trained for.
struct RunDescription {
  std::string model;                     // JSON, see keel/nn/model_description.h
  std::string options;                   // JSON, an object: the options that decide the course of the run
  std::vector<std::string> class_names;  // in the order of labels
};

struct Checkpoint {
  RunDescription run;
  FitState state;
  std::vector<NamedTensor> model;      // Module::state_dict()
  std::vector<NamedTensor> optimizer;  // Optimizer::state()
  Index optimizer_steps = 0;
};

// A run as it stands. The tensors are those of the model and the optimiser themselves, not copies.
Checkpoint checkpoint_of(const RunDescription& run, const FitState& state, const nn::Module& model,
                         const optim::Optimizer& optimizer);

// The length of keel.state, in bytes: the logs of a hundred thousand epochs fit.
inline constexpr std::size_t kMaxStateText = std::size_t{1} << 24;

// Writes it as a whole or not at all (keel/io/atomic_file.h).
//   throws: NonFiniteLoss naming what is infinite or no number in the model: such a run has diverged, and the
//           checkpoint from before is the better one; ValueError if a class's name is not UTF-8 or has
//           control characters, or the log is too long; FileError if the file cannot be written
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// A checkpoint of another version of Keel: whole, perhaps, but not for this one to read.
class CheckpointVersionError : public FileError {
 public:
  using FileError::FileError;
};

//   throws: FileError naming the file, what was expected and what was found, unless it is a whole checkpoint
//           with the right checksum, of a run that stands where one can stand (its log has a row for each
//           epoch that is done, and all epochs have as many steps), without values in its model that are
//           infinite or no numbers, and with names of classes as write_checkpoint() takes them;
//           CheckpointVersionError
Checkpoint read_checkpoint(const std::filesystem::path& path);
// The same for a safetensors file that was read already; `name` is what messages call it.
Checkpoint parse_checkpoint(const io::Safetensors& file, const std::string& name);

// Gives the model and the optimiser the state that they had. All or nothing: if it throws, neither is
// changed.
//   throws: ValueError listing what is missing, unexpected or of another shape
void restore(const Checkpoint& checkpoint, nn::Module& model, optim::Optimizer& optimizer);

}  // namespace keel::train
