// The option "norm" of named models.
#pragma once

#include <string>
#include <vector>

#include "keel/nn/layer_description.h"
#include "nn/description/json_text.h"

namespace keel::nn::description {

// Which norm a model has wherever it has one.
struct NormOption {
  Json layer;                  // as in a list of layers; null for none
  bool wraps = false;          // goes around the layer in front of it: takes that as its "body"
  bool replaces_bias = false;  // of the layer in front: it has a shift of its own
};

// What "norm" and the older "batch_norm" say; BatchNorm or nothing where neither does.
//   throws: FileError naming the option if they contradict each other, or there is no such norm
NormOption read_norm(LayerOptions& options, bool batch_norm);

// The words of the option, none first.
std::vector<std::string> norm_words();
// Whether this layer of Keel's is a norm, with a word or without.
bool is_norm_layer(const std::string& layer);

}  // namespace keel::nn::description
