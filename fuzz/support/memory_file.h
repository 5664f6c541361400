// Bytes as a file, for readers that take a path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace keel::fuzz {

// A file in memory: a fuzzer makes thousands of them a second, and a crash leaves none behind.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  // While this object lives.
  std::filesystem::path path() const;

 private:
  int file_ = -1;
};

}  // namespace keel::fuzz
