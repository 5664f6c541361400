#include "support/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::apps {

namespace fs = std::filesystem;

namespace {

// Writes, in the words of the system if it cannot: "No space left on device". Empty if all went well.
std::string write_file(const fs::path& path, const std::string& text) {
  errno = 0;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return std::strerror(errno);
  const bool written = std::fputs(text.c_str(), file) >= 0 && std::fflush(file) == 0;
  const int reason = errno;
  std::fclose(file);
  return written ? "" : std::strerror(reason);
}

}  // namespace

RunDirectory::RunDirectory(fs::path path, std::vector<fs::path> files, Existing existing,
                           std::vector<fs::path> others)
    : path_(std::move(path)), files_(std::move(files)), others_(std::move(others)), existing_(existing) {
  std::error_code ignored;
  check<FileError>(!fs::exists(path_, ignored) || fs::is_directory(path_, ignored),
                   "cannot write to {}: it is not a directory", path_.string());
  require_no_run();
}

void RunDirectory::require_none_of(const std::vector<fs::path>& others) const {
  std::error_code ignored;
  for (const fs::path& file : others) {
    check<FileError>(!fs::exists(path_ / file, ignored),
                     "{} holds a run of another program ({}): name another directory", path_.string(),
                     file.string());
  }
}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) close(lock_);
}

void RunDirectory::require_no_run() const {
  std::error_code ignored;
  for (const auto& list : {files_, others_}) {
    for (const fs::path& file : list) {
      check<FileError>(existing_ != Existing::refuse || !fs::exists(path_ / file, ignored),
                       "{} holds a run already ({}): name another directory, or pass --overwrite",
                       path_.string(), file.string());
    }
  }
}

void RunDirectory::remove_others() const {
  for (const fs::path& file : others_) {
    if (std::find(files_.begin(), files_.end(), file) != files_.end()) continue;
    std::error_code error;
    if (!fs::remove(path_ / file, error)) {
      check<FileError>(!error || error == std::errc::not_a_directory, "cannot remove {}: {}",
                       (path_ / file).string(), error.message());
      continue;
    }
    std::error_code not_empty;
    for (fs::path below = file.parent_path(); !below.empty(); below = below.parent_path()) {
      if (!fs::is_symlink(path_ / below, not_empty)) fs::remove(path_ / below, not_empty);
    }
  }
}

// The lock is on the directory itself and ends with the process, however that ends.
void RunDirectory::lock() {
  if (lock_ >= 0) return;
  lock_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check<FileError>(lock_ >= 0, "cannot open directory {}: {}", path_.string(), std::strerror(errno));
  const bool locked = flock(lock_, LOCK_EX | LOCK_NB) == 0;
  // Some file systems have no locks: then there is none.
  check<FileError>(locked || errno != EWOULDBLOCK, "another run is writing to {}: name another directory",
                   path_.string());
}

void RunDirectory::prepare(const std::vector<fs::path>& derived) {
  io::make_directories(path_);
  lock();
  for (const fs::path& file : files_) {
    const fs::path directory = (path_ / file).parent_path();
    io::make_directories(directory);
  }
  require_no_run();
  // Before anything is removed: is there leave to write, and room?
  for (const fs::path& file : files_) {
    const fs::path probe = (path_ / file).parent_path() / ".keel-probe";
    const std::string problem = write_file(probe, "\n");
    std::error_code ignored;
    fs::remove(probe, ignored);
    check<FileError>(problem.empty(), "cannot write to directory {}: {}", probe.parent_path().string(),
                     problem);
  }
  if (existing_ != Existing::resume) remove_others();
  for (const auto& list : {existing_ == Existing::resume ? std::vector<fs::path>() : files_, derived}) {
    for (const fs::path& file : list) {
      std::error_code error;
      fs::remove(path_ / file, error);
      check<FileError>(!error, "cannot remove {}: {}", (path_ / file).string(), error.message());
    }
  }
}

void write_json(const fs::path& path, const nlohmann::ordered_json& content) {
  io::write_file_atomically(path, content.dump(2) + "\n");
}

}  // namespace keel::apps
