// The log of a run as a CSV file.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "keel/train/callback.h"

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
  void open(const char* mode);
  void write(const std::string& line);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace keel::train
