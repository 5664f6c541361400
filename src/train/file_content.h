// What checkpoints and other files of models have in common, checked as it is read.
#pragma once

#include <string>
#include <vector>

#include "keel/core/named_tensor.h"

namespace keel::train {

// Names of classes, which go from files to tables and terminals, as a JSON array.
//   throws: ValueError naming one that is not UTF-8 without control characters
std::string class_names_to_json(const std::vector<std::string>& names);
//   throws: FileError with `where` in front unless the text is such an array, of at most 1 MiB
std::vector<std::string> class_names_from_json(const std::string& text, const std::string& where);

// The names of tensors with values that are infinite or no numbers.
std::vector<std::string> non_finite_names(const std::vector<NamedTensor>& tensors);
//   throws: FileError with `where` in front, naming them, if there are any
void require_finite(const std::vector<NamedTensor>& tensors, const std::string& where);

}  // namespace keel::train
