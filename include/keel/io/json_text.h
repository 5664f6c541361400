// JSON that comes from outside: files of users, and texts inside of files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace keel::io {

struct JsonLimits {
  std::size_t bytes = std::size_t{1} << 20;
  // What walks through the values, as printing one does, calls itself for each level.
  int depth = 64;
  // Of one object.
  std::size_t keys = 256;
};

// Whoever parses a text that passes gets what it says, in memory in proportion to its length.
//   throws: FileError with `where` in front, what was expected and what was found, if the text is not JSON in
//   UTF-8, has a key twice in an object, or exceeds the limits
void check_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});

}  // namespace keel::io
