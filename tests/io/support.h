// safetensors files by hand, and what reading them says.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "keel/io/safetensors.h"
#include "support/errors.h"

namespace keel::io::testing {

inline std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

inline std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string length_field(std::uint64_t length) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return text;
}

inline std::string raw_file(const std::string& header, const std::string& data = "") {
  return length_field(header.size()) + header + data;
}

inline Safetensors parse(const std::string& file) { return parse_safetensors(bytes_of(file), "f"); }

// The message of the FileError, less the file's name in front.
inline std::string refusal(const std::string& file) {
  const std::string message = keel::testing::message_of<FileError>([&] { parse(file); });
  return message.starts_with("f: ") ? message.substr(3) : message;
}

}  // namespace keel::io::testing
