#include "support/run_directory.h"

#include <fstream>

#include "keel/core/error.h"

namespace keel::apps {

namespace fs = std::filesystem;

RunDirectory::RunDirectory(fs::path path, std::vector<fs::path> files, bool overwrite)
    : path_(std::move(path)), files_(std::move(files)) {
  std::error_code ignored;
  check<FileError>(!path_.empty(), "expected a directory to write to, found an empty name");
  check<FileError>(!fs::exists(path_, ignored) || fs::is_directory(path_, ignored),
                   "cannot write to {}: it is not a directory", path_.string());
  for (const fs::path& file : files_) {
    check<FileError>(overwrite || !fs::exists(path_ / file, ignored),
                     "{} holds a run already ({}): name another directory, or pass --overwrite",
                     path_.string(), file.string());
  }
}

void RunDirectory::prepare() const {
  for (const fs::path& file : files_) {
    const fs::path whole = path_ / file;
    std::error_code error;
    fs::create_directories(whole.parent_path(), error);
    check<FileError>(!error, "cannot make directory {}: {}", whole.parent_path().string(), error.message());
  }
  // Before anything is removed: is there leave to write?
  for (const fs::path& file : files_) {
    const fs::path probe = (path_ / file).parent_path() / ".keel-probe";
    const bool writable = std::ofstream(probe).put('\n').flush().good();
    std::error_code ignored;
    fs::remove(probe, ignored);
    check<FileError>(writable, "cannot write to directory {}", probe.parent_path().string());
  }
  for (const fs::path& file : files_) {
    std::error_code error;
    fs::remove(path_ / file, error);
    check<FileError>(!error, "cannot remove {}: {}", (path_ / file).string(), error.message());
  }
}

void write_json(const fs::path& path, const nlohmann::ordered_json& content) {
  const fs::path temporary = path.string() + ".part";
  std::ofstream file(temporary);
  file << content.dump(2) << '\n';
  file.close();
  std::error_code error;
  if (file.good()) fs::rename(temporary, path, error);
  const bool written = file.good() && !error;
  if (!written) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }
  check<FileError>(written, "cannot write {}", path.string());
}

}  // namespace keel::apps
