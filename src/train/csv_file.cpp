#include "keel/train/csv_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::train {
namespace {

// throws: FileError if there is a file that begins with another line
void require_same_columns(const std::filesystem::path& path, const std::string& columns) {
  std::ifstream file(path);
  std::string found;
  if (!std::getline(file, found)) return;
  // A full disk may have cut it off.
  const bool is_cut = file.eof() && std::string_view(columns).starts_with(found);
  check<FileError>(found == columns || is_cut, "{}: the columns {} expected, found {}", path.string(),
                   columns, found);
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path, const std::string& columns) : path_(std::move(path)) {
  open("wx");
  append(columns + "\n");
}

CsvFile::CsvFile(std::filesystem::path path, const std::string& columns, const std::string& lines)
    : path_(std::move(path)) {
  require_same_columns(path_, columns);
  io::write_file_atomically(path_, columns + "\n" + lines);
  open("a");
}

void CsvFile::append(const std::string& lines) {
  const bool written = std::fputs(lines.c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  check<FileError>(written, "cannot write to {}: {}", path_.string(), std::strerror(errno));
}

void CsvFile::open(const char* mode) {
  file_.reset(std::fopen(path_.c_str(), mode));
  check<FileError>(file_ != nullptr, "cannot make {}: {}", path_.string(), std::strerror(errno));
}

}  // namespace keel::train
