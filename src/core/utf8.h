// Text from outside that goes to files, tables and terminals.
#pragma once

#include <string_view>

namespace keel {

// Whether it is UTF-8 without control characters, which would spoil a line or steer a terminal.
bool is_printable_utf8(std::string_view text);

}  // namespace keel
