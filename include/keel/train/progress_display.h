// Where progress is shown: whole lines that stay, and below them, on a terminal, the bars of all that is
// going on.
#pragma once

#include <cstdio>
#include <map>
#include <mutex>
#include <string>

#include "keel/core/shape.h"

namespace keel::train {

// Any number of threads may use it. What cannot be written is left out without an error.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(std::FILE* out = stderr);
  // With the question whether `out` is a terminal answered.
  ProgressDisplay(std::FILE* out, bool terminal);
  // Erases the bars: what is printed next must not run into them.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Bars are shown on a terminal only.
  bool terminal() const { return terminal_; }
  // That a bar may have.
  std::size_t columns() const;

  // Shows or replaces the bar of this place; bars stand below each other in the order of their places. What
  // does not fit the terminal is cut off.
  void draw_bar(Index place, const std::string& bar);
  void erase_bar(Index place);
  // Prints a line, which comes without its end, above all bars; the second, in place of a bar.
  void print(const std::string& line);
  void replace_bar(Index place, const std::string& line);

 private:
  // Prints `above` and shows the bars as they are now.
  void refresh(const std::string& above);
  // What to write to have no bars, and to have the first `bars` of them.
  std::string erased();
  std::string drawn(std::size_t bars, std::size_t width);

  std::FILE* out_;
  bool terminal_;
  std::mutex mutex_;
  std::map<Index, std::string> bars_;
  std::size_t shown_ = 0;  // bars on the terminal; the cursor is behind the last one
};

}  // namespace keel::train
