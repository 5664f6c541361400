#include "keel/train/progress_display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "keel/train/progress.h"
#include "train/terminal.h"

namespace keel::train {
namespace {

using ::testing::ElementsAre;
using testing::Output;
using testing::screen_after;
using testing::Terminal;

TEST(ProgressDisplay, BarsStandBelowEachOtherInTheOrderOfTheirPlaces) {
  Terminal terminal(80);
  ProgressDisplay display(terminal.file());
  std::string text;
  const auto screen = [&] { return screen_after(text += terminal.text()); };
  display.draw_bar(1, "second");
  EXPECT_THAT(screen(), ElementsAre("second"));
  display.draw_bar(0, "first");
  EXPECT_THAT(screen(), ElementsAre("first", "second"));
  display.draw_bar(2, "third");
  EXPECT_THAT(screen(), ElementsAre("first", "second", "third"));
  display.draw_bar(1, "2");
  EXPECT_THAT(screen(), ElementsAre("first", "2", "third"));
  display.draw_bar(2, "the third");
  EXPECT_THAT(screen(), ElementsAre("first", "2", "the third"));
}

TEST(ProgressDisplay, LinesStandAboveTheBars) {
  Terminal terminal(80);
  std::string text;
  const auto screen = [&] { return screen_after(text += terminal.text()); };
  {
    ProgressDisplay display(terminal.file());
    display.print("one");
    display.draw_bar(0, "first");
    display.draw_bar(1, "second");
    display.print("a longer line");
    EXPECT_THAT(screen(), ElementsAre("one", "a longer line", "first", "second"));
    display.replace_bar(0, "first is done");
    EXPECT_THAT(screen(), ElementsAre("one", "a longer line", "first is done", "second"));
    display.draw_bar(0, "first again");
    EXPECT_THAT(screen(), ElementsAre("one", "a longer line", "first is done", "first again", "second"));
    display.erase_bar(1);
    EXPECT_THAT(screen(), ElementsAre("one", "a longer line", "first is done", "first again", ""));
    display.draw_bar(1, "second again");
  }
  EXPECT_THAT(screen(), ElementsAre("one", "a longer line", "first is done", "", ""));
}

// So that bars do not flicker: nothing is erased that is drawn again.
TEST(ProgressDisplay, OverwritesBarsThatChange) {
  Terminal terminal(80);
  ProgressDisplay display(terminal.file());
  display.draw_bar(0, "a");
  display.draw_bar(1, "b");
  terminal.text();
  display.draw_bar(0, "c");
  EXPECT_EQ(terminal.text(), "\x1b[1A\rc\x1b[K\nb\x1b[K");
}

TEST(ProgressDisplay, CutsBarsToTheSizeOfTheTerminal) {
  Terminal terminal(8, 3);
  std::string text;
  ProgressDisplay display(terminal.file());
  for (Index place = 0; place < 4; ++place) display.draw_bar(place, fmt::format("{} of many bars", place));
  // The last column and the last row stay free: a line that wraps or scrolls off could not be drawn over.
  EXPECT_THAT(screen_after(text += terminal.text()), ElementsAre("0 of ma", "1 of ma"));
  terminal.resize(20, 2);
  display.draw_bar(0, "the first");
  EXPECT_THAT(screen_after(text += terminal.text()), ElementsAre("the first", ""));
  terminal.resize(1, 1);
  display.draw_bar(0, "the first");
  EXPECT_THAT(screen_after(text += terminal.text()), ElementsAre("", ""));
}

TEST(ProgressDisplay, PrintsNothingButLinesWhereThereIsNoTerminal) {
  Output output;
  {
    ProgressDisplay display(output.file());
    display.draw_bar(0, "first");
    display.print("one");
    display.replace_bar(0, "two");
    display.erase_bar(0);
  }
  EXPECT_EQ(output.text(), "one\ntwo\n");
}

TEST(ProgressDisplay, KeepsTheLinesOfSeveralThreadsWhole) {
  Terminal terminal(80, 500);
  std::string text;
  {
    const auto display = std::make_shared<ProgressDisplay>(terminal.file());
    std::vector<std::jthread> threads;
    for (Index place = 0; place < 3; ++place) {
      threads.emplace_back([&, place] {
        Progress progress({.name = fmt::format("arm {}", place), .epochs = 9, .place = place}, display);
        for (Index epoch = 1; epoch <= 9; ++epoch) {
          progress.on_step({.epoch = epoch, .batch = 1, .batches = 1, .examples = 1, .mean_loss = 1});
          progress.on_epoch({.epoch = epoch});
        }
      });
    }
    threads.clear();
    for (std::string more = terminal.text(); !more.empty(); more = terminal.text()) text += more;
  }
  std::vector<std::string> screen = screen_after(text);
  while (!screen.empty() && screen.back().empty()) screen.pop_back();
  ASSERT_EQ(screen.size(), 27U);
  std::vector<int> last(3);
  for (const std::string& line : screen) {
    ASSERT_THAT(line, ::testing::MatchesRegex(
                          "arm [0-2] epoch [1-9]/9  train 0.0000 0.00 %  val 0.0000 0.00 %  0.00 s"));
    const auto arm = static_cast<std::size_t>(line[4] - '0');
    EXPECT_EQ(line[12] - '0', ++last[arm]) << line;
  }
}

}  // namespace
}  // namespace keel::train
