// A file of which any part can be read at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace keel::io {

std::string system_message(int error);

class InputFile {
 public:
  // throws: FileError naming the path unless it is a regular file that can be read
  explicit InputFile(const std::filesystem::path& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // Bytes it had when it was opened.
  std::uint64_t size() const { return size_; }
  // Fills `to` from `offset` on. throws: FileError if the file cannot be read, or has become shorter
  void read(std::uint64_t offset, std::span<std::byte> to) const;

 private:
  std::string name_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace keel::io
