// CRC-32 as gzip, zip and PNG have it.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace keel::io {

// Of the bytes behind those whose value is `crc`.
inline std::uint32_t crc_of(std::span<const std::byte> bytes, std::uint32_t crc = 0) {
  return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace keel::io
