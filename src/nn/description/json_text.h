// JSON as model descriptions use it: objects keep their order, and what is doubtful is an error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "io/json_shown.h"

namespace keel::nn::description {

using Json = nlohmann::ordered_json;

// throws: FileError as io::check_json()
Json parse_json(std::string_view text, const std::string& where);

using io::shown;

}  // namespace keel::nn::description
