// The layers and models that are files in src/nn/layers and src/nn/models: CMake writes the tables.
#pragma once

#include <span>
#include <string>

#include "keel/nn/layer_description.h"
#include "nn/description/json_text.h"

namespace keel::nn::description {

struct LayerFile {
  const char* name;
  LayerMaker (*read)(LayerOptions& options);
};
std::span<const LayerFile> layer_files();

// A named model as a list of layers.
struct NamedModel {
  Json layers;
  std::string init;  // of all weights
};
struct ModelFile {
  const char* name;
  NamedModel (*read)(LayerOptions& options);
};
std::span<const ModelFile> model_files();

}  // namespace keel::nn::description
