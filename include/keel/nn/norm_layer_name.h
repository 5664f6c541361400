// Which layer a word of the option "norm" of named models stands for (keel/nn/model_description.h).
#pragma once

#include <optional>
#include <string>

namespace keel::nn {

// The layer's name in descriptions: "group" -> "group_norm". Nothing for "none" and for what is no such word;
// ModelDescription::norms() lists them. "weight" is of a layer that goes around another, its "body". In a
// named model "instance" is an instance_norm with {"affine": true}, which this leaves to the caller.
std::optional<std::string> norm_layer_name(const std::string& word);

}  // namespace keel::nn
