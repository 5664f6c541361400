#include "io/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "keel/core/error.h"

namespace keel::io {

std::string system_message(int error) { return std::generic_category().message(error); }

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  // Not to wait for somebody to write to a pipe of that name.
  file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  check<FileError>(file_ >= 0, "{}: cannot open: {}", name_, system_message(errno));
  struct stat status {};
  const bool regular = fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular) close(file_);
  check<FileError>(regular, "{}: a regular file expected", name_);
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { close(file_); }

void InputFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t got = pread(file_, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    check<FileError>(got >= 0, "{}: cannot read: {}", name_, system_message(errno));
    check<FileError>(got > 0, "{}: {} bytes expected, found {}: it is being changed", name_, size_, offset);
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace keel::io
