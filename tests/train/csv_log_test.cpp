#include "keel/train/csv_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <clocale>
#include <csignal>
#include <limits>
#include <locale>

#include "keel/core/error.h"
#include "support/errors.h"
#include "support/temporary_directory.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using keel::testing::text_of;
using keel::testing::write_text;

const std::string kHeader =
    "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,seconds\n";

// Numbers with more digits than the log keeps, a large one and a small one.
EpochRecord record() {
  return {.epoch = 3,
          .step = 1234567,
          .train_loss = 0.123456789123,
          .train_accuracy = 0.9,
          .val_loss = 12345.678912,
          .val_accuracy = 1,
          .learning_rate = 1.5e-7,
          .seconds = 1.23456789};
}
const std::string kRow = "3,1234567,0.123456789,0.9,12345.6789,1,1.5e-07,1.23457\n";

TEST(CsvLog, WritesHeaderAndRows) {
  const TemporaryDirectory directory;
  {
    CsvLog log(directory / "epochs.csv");
    log.on_epoch(record());
    log.on_epoch({.epoch = 4, .train_loss = 2});
  }
  EXPECT_EQ(text_of(directory / "epochs.csv"), kHeader + kRow + "4,0,2,0,0,0,0,0\n");
}

TEST(CsvLog, EveryRowIsOnDiskAtOnce) {
  const TemporaryDirectory directory;
  CsvLog log(directory / "epochs.csv");
  EXPECT_EQ(text_of(directory / "epochs.csv"), kHeader);
  log.on_epoch(record());
  EXPECT_EQ(text_of(directory / "epochs.csv"), kHeader + kRow);
  log.on_epoch(record());
  EXPECT_EQ(text_of(directory / "epochs.csv"), kHeader + kRow + kRow);
}

TEST(CsvLog, GoesOnWithTheRowsThatItIsGiven) {
  const TemporaryDirectory directory;
  const auto path = directory / "epochs.csv";
  // Without a file, and with one that has rows of later epochs and half a row.
  for (const bool there : {false, true}) {
    SCOPED_TRACE(there);
    if (there) write_text(path, kHeader + kRow + kRow + kRow + "4,12");
    CsvLog log(path, {record()});
    EXPECT_EQ(text_of(path), kHeader + kRow);
    log.on_epoch(record());
    EXPECT_EQ(text_of(path), kHeader + kRow + kRow);
  }
}

TEST(CsvLog, GoesOnWithAFileWhoseHeaderWasCutByAFullDisk) {
  const TemporaryDirectory directory;
  const auto path = directory / "epochs.csv";
  for (std::size_t length = 0; length < kHeader.size(); ++length) {
    write_text(path, kHeader.substr(0, length));
    CsvLog(path, {record()});
    EXPECT_EQ(text_of(path), kHeader + kRow) << length;
  }
  write_text(path, "epoch,\n");
  EXPECT_NE(message_of<FileError>([&] { CsvLog(path, {record()}); }), "no error");
}

TEST(CsvLog, DoesNotGoOnWithAFileOfOtherColumns) {
  const TemporaryDirectory directory;
  const auto path = directory / "epochs.csv";
  write_text(path, "epoch,loss\n1,2\n");
  EXPECT_EQ(message_of<FileError>([&] { CsvLog(path, {record()}); }),
            path.string() + ": the columns " + kHeader.substr(0, kHeader.size() - 1) +
                " expected, found epoch,loss");
  EXPECT_EQ(text_of(path), "epoch,loss\n1,2\n");
}

TEST(CsvLog, NeverWritesOverAFile) {
  const TemporaryDirectory directory;
  const auto path = directory / "epochs.csv";
  write_text(path, "precious\n");
  EXPECT_EQ(message_of<FileError>([&] { CsvLog log(path); }),
            "cannot make " + path.string() + ": File exists");
  EXPECT_EQ(text_of(path), "precious\n");
}

TEST(CsvLog, NamesADirectoryThatIsMissing) {
  const TemporaryDirectory directory;
  const auto path = directory / "none" / "epochs.csv";
  EXPECT_EQ(message_of<FileError>([&] { CsvLog log(path); }),
            "cannot make " + path.string() + ": No such file or directory");
}

struct DecimalComma final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// Sets C++'s global locale to one of decimal commas, and C's where one is installed.
class CommaLocale {
 public:
  CommaLocale() : before_(std::locale::global(std::locale(std::locale(), new DecimalComma))) {
    c_before_ = std::setlocale(LC_ALL, nullptr);
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) break;
    }
  }
  ~CommaLocale() {
    std::locale::global(before_);
    std::setlocale(LC_ALL, c_before_.c_str());
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;

 private:
  std::locale before_;
  std::string c_before_;
};

TEST(CsvLog, IsTheSameInEveryLocale) {
  const TemporaryDirectory directory;
  {
    const CommaLocale locale;
    ASSERT_EQ((std::ostringstream() << 1234.5).str(), "1.234,5");
    CsvLog(directory / "epochs.csv").on_epoch(record());
  }
  EXPECT_EQ(text_of(directory / "epochs.csv"), kHeader + kRow);
}

// No file of this process can grow beyond `bytes`: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(CsvLog, TellsOfARowThatCouldNotBeWritten) {
  const TemporaryDirectory directory;
  const auto path = directory / "epochs.csv";
  CsvLog log(path);
  log.on_epoch(record());
  const FullDisk full(kHeader.size() + kRow.size());
  EXPECT_EQ(message_of<FileError>([&] { log.on_epoch(record()); }),
            "cannot write to " + path.string() + ": File too large");
  EXPECT_EQ(text_of(path), kHeader + kRow);
}

}  // namespace
}  // namespace keel::train
