#include "support/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "support/target.h"

namespace keel::fuzz {

MemoryFile::MemoryFile(const std::uint8_t* data, std::size_t size)
    : file_(memfd_create("keel_fuzz", MFD_CLOEXEC)) {
  expect(file_ >= 0, "the system has files in memory");
  while (size > 0) {
    const ssize_t written = write(file_, data, size);
    expect(written > 0, "a file in memory takes what is written to it");
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

MemoryFile::~MemoryFile() { close(file_); }

std::filesystem::path MemoryFile::path() const { return "/proc/self/fd/" + std::to_string(file_); }

}  // namespace keel::fuzz
