#include "keel/train/progress_display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace keel::train {
namespace {

struct TerminalSize {
  std::size_t rows, columns;
};

TerminalSize size_of(std::FILE* out) {
  winsize size{};
  const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0;
  return {.rows = known && size.ws_row > 0 ? size.ws_row : std::size_t{24},
          .columns = known && size.ws_col > 0 ? size.ws_col : std::size_t{80}};
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::FILE* out) : ProgressDisplay(out, isatty(fileno(out)) != 0) {}

ProgressDisplay::ProgressDisplay(std::FILE* out, bool terminal) : out_(out), terminal_(terminal) {}

ProgressDisplay::~ProgressDisplay() {
  bars_.clear();
  refresh("");
}

// A line that wraps could not be drawn over, and one in the last column may wrap.
std::size_t ProgressDisplay::columns() const { return size_of(out_).columns - 1; }

void ProgressDisplay::draw_bar(Index place, const std::string& bar) {
  const std::lock_guard lock(mutex_);
  if (!terminal_) return;
  bars_[place] = bar;
  refresh("");
}

void ProgressDisplay::erase_bar(Index place) {
  const std::lock_guard lock(mutex_);
  if (bars_.erase(place) > 0) refresh("");
}

void ProgressDisplay::print(const std::string& line) {
  const std::lock_guard lock(mutex_);
  refresh(line + "\n");
}

void ProgressDisplay::replace_bar(Index place, const std::string& line) {
  const std::lock_guard lock(mutex_);
  bars_.erase(place);
  refresh(line + "\n");
}

std::string ProgressDisplay::erased() {
  std::string text;
  for (; shown_ > 0; --shown_) text += shown_ > 1 ? "\r\x1b[K\x1b[A" : "\r\x1b[K";
  return text;
}

std::string ProgressDisplay::drawn(std::size_t bars, std::size_t width) {
  std::string text = shown_ > 1 ? fmt::format("\x1b[{}A\r", shown_ - 1) : "\r";
  auto bar = bars_.begin();
  for (shown_ = 0; shown_ < bars; ++shown_, ++bar) {
    text += fmt::format("{}{}\x1b[K", shown_ > 0 ? "\n" : "", bar->second.substr(0, width));
  }
  return text;
}

void ProgressDisplay::refresh(const std::string& above) {
  const TerminalSize size = size_of(out_);
  // A bar that has scrolled off the top could not be drawn over.
  const std::size_t bars = std::min(bars_.size(), std::max<std::size_t>(1, size.rows - 1));
  std::string text;
  // Bars that only change are written over, without a moment in which there are none.
  if (!above.empty() || shown_ != bars) text = erased() + above;
  if (bars > 0) text += drawn(bars, size.columns - 1);
  if (text.empty()) return;
  std::fputs(text.c_str(), out_);
  std::fflush(out_);
}

}  // namespace keel::train
