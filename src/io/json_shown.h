// What files hold, in messages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace keel::io {

// Printable ASCII passes, other characters become '?': a message is one line whatever a file holds.
std::string printable(std::string text);

// A name or another text in quotes, as it is if that does no harm, and cut short.
std::string shown_text(std::string_view text);

// A value, printable and cut short. It is nested as deep as check_json() allows.
std::string shown(const nlohmann::ordered_json& value);

}  // namespace keel::io
