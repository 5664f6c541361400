// The log of a run as a CSV file.
#pragma once

#include <filesystem>
#include <vector>

#include "keel/train/callback.h"
#include "keel/train/csv_file.h"

namespace keel::train {

// One row an epoch, in the file at once. Columns, fixed:
//   epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds
// Numbers have a point and up to 9 significant digits (seconds: 6), whatever the locale.
class CsvLog final : public Callback {
 public:
  // throws: FileError if there is such a file already, or it cannot be made
  explicit CsvLog(std::filesystem::path path);
  // Goes on with the log of a run that was interrupted: afterwards the file holds these rows, the same as
  // they were written then, and no others. All or nothing.
  //   throws: FileError if the file has other columns, or cannot be written
  CsvLog(std::filesystem::path path, const std::vector<EpochRecord>& log);
  // throws: FileError if the row cannot be written
  void on_epoch(const EpochRecord& record) override;

 private:
  CsvFile file_;
};

}  // namespace keel::train
