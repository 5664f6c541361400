#include "keel/train/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "train/terminal.h"

namespace keel::train {
namespace {

using testing::Output;
using testing::Terminal;

// Longer than the time between two drawings of the bar.
void wait_for_next_drawing() { std::this_thread::sleep_for(std::chrono::milliseconds(110)); }

const EpochRecord kEpoch{.epoch = 3,
                         .train_loss = 0.123456,
                         .train_accuracy = 0.98765,
                         .val_loss = 2,
                         .val_accuracy = 0.5,
                         .seconds = 1.234};
const std::string kEpochLine = "bn epoch  3/10  train 0.1235 98.77 %  val 2.0000 50.00 %  1.23 s\n";
const StepRecord kStep{.epoch = 3, .batch = 5, .batches = 20, .examples = 160, .mean_loss = 0.05124};

TEST(Progress, IsALineAnEpochWhereThereIsNoTerminal) {
  Output output;
  {
    Progress progress({.name = "bn", .epochs = 10}, output.file());
    progress.on_step(kStep);
    wait_for_next_drawing();
    progress.on_step(kStep);
    EXPECT_EQ(output.text(), "");
    progress.on_epoch(kEpoch);
    EXPECT_EQ(output.text(), kEpochLine);  // at once
  }
  EXPECT_EQ(output.text(), kEpochLine);
}

TEST(Progress, WritesLargeLossesShort) {
  Output output;
  Progress progress({.name = "BN   ", .epochs = 10}, output.file());
  progress.on_epoch({.epoch = 10,
                     .train_loss = 36957425753534540808192.0,
                     .train_accuracy = 1,
                     .val_loss = 9999.5,
                     .val_accuracy = 0.0975,
                     .seconds = 12.34});
  EXPECT_EQ(output.text(), "BN    epoch 10/10  train 3.696e+22 100.00 %  val 9999.5000 9.75 %  12.34 s\n");
}

TEST(Progress, DrawsABarOnATerminal) {
  Terminal terminal(200);
  Progress progress({.name = "bn", .epochs = 10}, terminal.file());
  progress.on_step(kStep);
  // 5 of 20 batches: a quarter of 16 cells.
  EXPECT_THAT(terminal.text(),
              ::testing::MatchesRegex("\r"
                                      "bn epoch  3/10 \\[====>-----------\\]  5/20  loss 0\\.0512  "
                                      "[0-9]+ images/s  [0-9]+:[0-9][0-9](:[0-9][0-9])? left"
                                      "\x1b\\[K"));
}

// What is no terminal, but is to be written to like one, counts as 80 columns: too few for 16 cells here.
TEST(Progress, MakesTheBarShorterBeforeItCutsTheNumbers) {
  Output output;
  Progress progress({.name = "without", .epochs = 10},
                    std::make_shared<ProgressDisplay>(output.file(), true));
  progress.on_epoch({});
  const std::size_t shown = output.text().size();
  wait_for_next_drawing();
  progress.on_step({.epoch = 1, .batch = 750, .batches = 1500, .examples = 9600, .mean_loss = 0.05124});
  const std::string line = output.text().substr(shown);
  EXPECT_THAT(line, ::testing::MatchesRegex("\rwithout epoch  1/10 \\[=+>-+\\]  750/1500  loss 0\\.0512  "
                                            "[0-9]+ images/s  [0-9]+:[0-9][0-9] left\x1b\\[K"));
  EXPECT_EQ(line.size(), 1 + 79 + std::string("\x1b[K").size());
}

TEST(Progress, FillsTheBarAtTheLastBatch) {
  Terminal terminal(200);
  Progress progress({.name = "bn", .epochs = 10}, terminal.file());
  progress.on_step({.epoch = 3, .batch = 1, .batches = 20, .examples = 32, .mean_loss = 1});
  EXPECT_THAT(terminal.text(), ::testing::HasSubstr("[>---------------]  1/20"));
  wait_for_next_drawing();
  progress.on_step({.epoch = 3, .batch = 20, .batches = 20, .examples = 640, .mean_loss = 1});
  EXPECT_THAT(terminal.text(), ::testing::HasSubstr("[================] 20/20"));
}

TEST(Progress, RedrawsTheBarAndErasesItAtTheEndOfAnEpoch) {
  Terminal terminal(100);
  Progress progress({.name = "bn", .epochs = 10}, terminal.file());
  progress.on_step(kStep);
  EXPECT_THAT(terminal.text(), ::testing::StartsWith("\rbn epoch  3/10 ["));
  progress.on_step(kStep);
  EXPECT_EQ(terminal.text(), "");  // too soon
  wait_for_next_drawing();
  progress.on_step(kStep);
  EXPECT_THAT(terminal.text(), ::testing::StartsWith("\rbn epoch  3/10 ["));
  progress.on_epoch(kEpoch);
  EXPECT_EQ(terminal.text(), "\r\x1b[K" + kEpochLine);
  progress.on_epoch(kEpoch);
  EXPECT_EQ(terminal.text(), kEpochLine);  // there was no bar to erase
}

TEST(Progress, ErasesTheBarOfARunThatWasStopped) {
  Terminal terminal(100);
  {
    Progress progress({.name = "bn", .epochs = 10}, terminal.file());
    progress.on_step(kStep);
    EXPECT_NE(terminal.text(), "");
  }
  EXPECT_EQ(terminal.text(), "\r\x1b[K");
}

TEST(Progress, IsNeverAsLongAsTheTerminalIsWide) {
  for (const unsigned short columns : std::initializer_list<unsigned short>{1, 20, 40}) {
    Terminal terminal(columns);
    Progress progress({.name = "bn", .epochs = 10}, terminal.file());
    progress.on_step(kStep);
    const std::string whole = "bn epoch  3/10 [=>--]  5/20  loss 0.0512  ";  // and more
    EXPECT_EQ(terminal.text(), "\r" + whole.substr(0, columns - std::size_t{1}) + "\x1b[K");
  }
}

TEST(Progress, TellsTheTimeLeftInTheWholeRun) {
  Terminal terminal(200);
  Progress progress({.name = "bn", .epochs = 3}, terminal.file());
  wait_for_next_drawing();  // this time belongs to epoch 0
  const auto start = std::chrono::steady_clock::now();
  progress.on_epoch({});
  terminal.text();
  wait_for_next_drawing();
  progress.on_step({.epoch = 1, .batch = 1, .batches = 100, .examples = 32, .mean_loss = 1});
  const double longest = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string line = terminal.text();
  std::smatch time;
  ASSERT_TRUE(std::regex_search(line, time, std::regex("images/s  ([0-9]+):([0-9]+) left"))) << line;
  // After 1 % of the first of three epochs: 299 times what that took.
  const double left = 60 * std::stod(time[1]) + std::stod(time[2]);
  EXPECT_GE(left, std::floor(299 * 0.11));
  EXPECT_LE(left, std::ceil(299 * longest));
}

// What was done before counts for nothing in the speed.
TEST(Progress, OfARunThatGoesOnTellsTheSpeedOfWhatItHasSeen) {
  Terminal terminal(200);
  Progress progress({.name = "bn", .epochs = 1}, terminal.file());
  wait_for_next_drawing();
  const auto start = std::chrono::steady_clock::now();
  progress.on_epoch({});
  terminal.text();
  wait_for_next_drawing();
  progress.on_step({.epoch = 1, .batch = 50, .batches = 100, .examples = 50 * 32, .mean_loss = 1});
  const double longest = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string line = terminal.text();
  std::smatch found;
  ASSERT_TRUE(std::regex_search(line, found, std::regex("([0-9]+) images/s  ([0-9]+):([0-9]+) left")))
      << line;
  EXPECT_GE(std::stod(found[1]), std::floor(32 / longest));
  EXPECT_LE(std::stod(found[1]), std::ceil(32 / 0.11));
  const double left = 60 * std::stod(found[2]) + std::stod(found[3]);
  EXPECT_GE(left, std::floor(50 * 0.11));
  EXPECT_LE(left, std::ceil(50 * longest));
}

TEST(Progress, DoesNotStopARunWhenItCannotBeWritten) {
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  {
    Progress progress({.name = "bn", .epochs = 10}, std::make_shared<ProgressDisplay>(full, true));
    EXPECT_NO_THROW(progress.on_step(kStep));
    EXPECT_NO_THROW(progress.on_epoch(kEpoch));
    wait_for_next_drawing();
    EXPECT_NO_THROW(progress.on_step(kStep));
  }  // the destructor erases the bar
  std::fclose(full);
}

}  // namespace
}  // namespace keel::train
