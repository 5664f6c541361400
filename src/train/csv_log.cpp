#include "keel/train/csv_log.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::train {
namespace {

constexpr const char* kColumns =
    "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds";

std::string line_of(const EpochRecord& r) {
  return fmt::format("{},{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.6g}\n", r.epoch, r.step, r.train_loss,
                     r.train_accuracy, r.val_loss, r.val_accuracy, r.learning_rate, r.seconds);
}

// throws: FileError if there is a file that begins with another line
void require_same_columns(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string found;
  if (!std::getline(file, found)) return;
  // A full disk may have cut it off.
  const bool is_cut = file.eof() && std::string_view(kColumns).starts_with(found);
  check<FileError>(found == kColumns || is_cut, "{}: the columns {} expected, found {}", path.string(),
                   kColumns, found);
}

}  // namespace

CsvLog::CsvLog(std::filesystem::path path) : path_(std::move(path)) {
  open("wx");
  write(fmt::format("{}\n", kColumns));
}

CsvLog::CsvLog(std::filesystem::path path, const std::vector<EpochRecord>& log) : path_(std::move(path)) {
  require_same_columns(path_);
  std::string content = fmt::format("{}\n", kColumns);
  for (const EpochRecord& record : log) content += line_of(record);
  io::write_file_atomically(path_, content);
  open("a");
}

void CsvLog::on_epoch(const EpochRecord& record) { write(line_of(record)); }

void CsvLog::open(const char* mode) {
  file_.reset(std::fopen(path_.c_str(), mode));
  check<FileError>(file_ != nullptr, "cannot make {}: {}", path_.string(), std::strerror(errno));
}

void CsvLog::write(const std::string& line) {
  const bool written = std::fputs(line.c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  check<FileError>(written, "cannot write to {}: {}", path_.string(), std::strerror(errno));
}

}  // namespace keel::train
