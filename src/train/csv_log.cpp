#include "keel/train/csv_log.h"

#include <cerrno>
#include <cstring>

#include "keel/core/error.h"

namespace keel::train {

CsvLog::CsvLog(std::filesystem::path path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wx")) {
  check<FileError>(file_ != nullptr, "cannot make {}: {}", path_.string(), std::strerror(errno));
  write("epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n");
}

void CsvLog::on_epoch(const EpochRecord& r) {
  write(fmt::format("{},{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.6g}\n", r.epoch, r.step, r.train_loss,
                    r.train_accuracy, r.val_loss, r.val_accuracy, r.learning_rate, r.seconds));
}

void CsvLog::write(const std::string& line) {
  const bool written = std::fputs(line.c_str(), file_.get()) >= 0 && std::fflush(file_.get()) == 0;
  check<FileError>(written, "cannot write to {}: {}", path_.string(), std::strerror(errno));
}

}  // namespace keel::train
