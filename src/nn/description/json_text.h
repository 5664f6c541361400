// JSON as model descriptions use it: objects keep their order, and what is doubtful is an error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace keel::nn::description {

using Json = nlohmann::ordered_json;

// throws: FileError with `where` in front, if the text is not JSON, has a key twice in an object or more than
// 256 keys in one, is nested more than 64 deep, or longer than 1 MiB
Json parse_json(std::string_view text, const std::string& where);

// A value for a message: on one line, cut short.
std::string shown(const Json& value);

}  // namespace keel::nn::description
