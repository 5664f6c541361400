// JSON in messages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace keel::io {

// Printable ASCII passes, other characters become '?': a message is one line whatever a file holds.
std::string printable(std::string text);

// A value, printable and cut short. It is nested as deep as check_json() allows.
std::string shown(const nlohmann::ordered_json& value);

}  // namespace keel::io
