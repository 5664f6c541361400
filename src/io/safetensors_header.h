// The header of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keel/core/shape.h"

namespace keel::io {

// What the header of a file of Keel's begins with; the checksum follows, in kChecksumDigits digits.
inline constexpr std::string_view kChecksumKey = "keel.crc32";
inline constexpr std::string_view kChecksumPrefix = R"({"__metadata__":{"keel.crc32":")";
inline constexpr std::size_t kChecksumDigits = 8;
inline constexpr std::string_view kNoChecksum = "00000000";
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // as the file names it
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;
};

// The size of one element, in bytes.   throws: FileError naming `file` and the tensor if Keel cannot read it
std::uint64_t element_size(const SafetensorsEntry& entry, const std::string& file);

// What the JSON text says, checked against `data_size`, the number of bytes that follow it.
//   throws: FileError
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size,
                                           const std::string& file);

}  // namespace keel::io
