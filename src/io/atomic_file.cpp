#include "keel/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "io/input_file.h"
#include "keel/core/error.h"

namespace keel::io {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_write(const fs::path& path, int error) {
  throw FileError(fmt::format("{}: cannot write: {}", path.string(), system_message(error)));
}

// Without it a power cut may undo what was done to the names in it.
void sync_directory(const fs::path& path) {
  const fs::path directory = path.empty() ? "." : path;
  const int opened = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) fail_to_write(directory, errno);
  // EINVAL: a file system that cannot.
  const int error = fsync(opened) == 0 || errno == EINVAL ? 0 : errno;
  close(opened);
  if (error != 0) fail_to_write(directory, error);
}

// The file beside the path, removed unless it took its place.
class PartialFile {
 public:
  explicit PartialFile(const fs::path& path) : path_(path), partial_(path) {
    partial_ += ".part";
    file_ = open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) fail_to_write(partial_, errno);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    if (file_ >= 0) close(file_);
    if (!renamed_) unlink(partial_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::write(file_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_to_write(path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void finish() {
    if (fsync(file_) != 0) fail_to_write(path_, errno);
    const int file = file_;
    file_ = -1;
    if (close(file) != 0) fail_to_write(path_, errno);
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail_to_write(path_, errno);
    renamed_ = true;
    sync_directory(path_.parent_path());
  }

 private:
  fs::path path_;
  fs::path partial_;
  int file_ = -1;
  bool renamed_ = false;
};

}  // namespace

void write_file_atomically(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  // A renaming would put the file in the place of a device or a directory.
  check<FileError>(!fs::exists(status) || fs::is_regular_file(status),
                   "{}: cannot write: a regular file expected", path.string());
  // In the place of the file that a symbolic link leads to, not of the link.
  PartialFile file(fs::exists(status) ? fs::canonical(path) : path);
  for (const std::span<const std::byte> part : parts) file.write(part);
  file.finish();
}

void write_file_atomically(const fs::path& path, const std::string& text) {
  const std::array parts = {std::as_bytes(std::span(text))};
  write_file_atomically(path, parts);
}

void make_directories(const fs::path& path) {
  fs::path made;
  for (const fs::path& name : path) {
    const fs::path parent = made;
    made /= name;
    std::error_code error;
    const bool is_new = fs::create_directory(made, error);
    if (error == std::errc::file_exists) error = std::make_error_code(std::errc::not_a_directory);
    check<FileError>(!error, "cannot make directory {}: {}", path.string(), error.message());
    if (is_new) sync_directory(parent);
  }
}

void rename_file(const fs::path& from, const fs::path& to) {
  check<FileError>(std::rename(from.c_str(), to.c_str()) == 0, "{}: cannot rename it to {}: {}",
                   from.string(), to.string(), system_message(errno));
  sync_directory(to.parent_path());
}

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  const InputFile file(path);
  check<FileError>(file.size() <= max_bytes, "{}: at most {} bytes expected, found {}", path.string(),
                   max_bytes, file.size());
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace keel::io
