// A trained model, as programs take it that use one.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "keel/nn/sequential.h"
#include "support/command_line.h"

namespace keel::apps {

struct TrainedModel {
  std::filesystem::path path;  // the file that it came from
  std::string name;            // "mlp"; "model" for one that a list of layers describes
  std::shared_ptr<nn::Sequential> model;
  Shape input;                           // of one example
  std::vector<std::string> class_names;  // in the order of labels
  nlohmann::ordered_json options;        // those of the run that trained it; an empty object if it has none
  std::vector<std::string> folded;       // BatchNorm layers that are part of others now

  // "runs/a/checkpoints/best.safetensors: mlp, 101770 parameters, norms folded (2 layers)"
  std::string title() const;
};

// The argument CHECKPOINT. A directory of a run stands for its best checkpoint, or the last if there is no
// best yet.
void add_checkpoint_argument(CommandLine& command);
// The file that it means.   throws: FileError if it is a directory without such checkpoints
std::filesystem::path checkpoint_file(const CommandLine& command);

// The argument CHECKPOINT and --fold-bn.
void add_trained_model(CommandLine& command);

// What they say.
//   throws: FileError if there is no such file or it has no model; ValueError naming a layer that cannot be
//   folded
TrainedModel load_trained_model(const CommandLine& command);

}  // namespace keel::apps
