#include "keel/train/csv_log.h"

#include <fmt/format.h>

#include <string>

namespace keel::train {
namespace {

constexpr const char* kColumns =
    "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds";

std::string line_of(const EpochRecord& r) {
  return fmt::format("{},{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.6g}\n", r.epoch, r.step, r.train_loss,
                     r.train_accuracy, r.val_loss, r.val_accuracy, r.learning_rate, r.seconds);
}

std::string lines_of(const std::vector<EpochRecord>& log) {
  std::string lines;
  for (const EpochRecord& record : log) lines += line_of(record);
  return lines;
}

}  // namespace

CsvLog::CsvLog(std::filesystem::path path) : file_(std::move(path), kColumns) {}

CsvLog::CsvLog(std::filesystem::path path, const std::vector<EpochRecord>& log)
    : file_(std::move(path), kColumns, lines_of(log)) {}

void CsvLog::on_epoch(const EpochRecord& record) { file_.append(line_of(record)); }

}  // namespace keel::train
