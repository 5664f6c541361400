// Where progress is written in tests: a file, and a terminal whose screen can be looked at.
#pragma once

#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temporary_directory.h"

namespace keel::train::testing {

// A file that is no terminal, and what is in it.
class Output {
 public:
  Output() : file_(std::fopen((directory_ / "out").c_str(), "w")) {}
  ~Output() { std::fclose(file_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  std::FILE* file() { return file_; }
  std::string text() { return keel::testing::text_of(directory_ / "out"); }

 private:
  keel::testing::TemporaryDirectory directory_;
  std::FILE* file_;
};

// A terminal of so many columns, and what was written to it.
class Terminal {
 public:
  explicit Terminal(unsigned short columns, unsigned short rows = 24) {
    termios raw{};
    cfmakeraw(&raw);
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    int inside = -1;
    if (openpty(&outside_, &inside, nullptr, &raw, &size) != 0) throw std::runtime_error("openpty failed");
    file_ = fdopen(inside, "w");
  }
  ~Terminal() {
    std::fclose(file_);
    close(outside_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  std::FILE* file() { return file_; }
  void resize(unsigned short columns, unsigned short rows) {
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(outside_, TIOCSWINSZ, &size);
  }
  // What was written since the last call. The system carries it from one side to the other when it has time:
  // a mark behind it tells when all has arrived.
  std::string text() {
    std::fflush(file_);
    if (write(fileno(file_), &kMark, 1) != 1) throw std::runtime_error("cannot write to the terminal");
    std::string all;
    for (char next = 0; read(outside_, &next, 1) == 1 && next != kMark;) all += next;
    return all;
  }

 private:
  static constexpr char kMark = '\x04';

  int outside_ = -1;
  std::FILE* file_ = nullptr;
};

// The lines that such text leaves on a terminal, from the top. Knows what progress uses: carriage return and
// line feed, "cursor up" and "erase to the end of the line".
inline std::vector<std::string> screen_after(const std::string& text) {
  std::vector<std::string> lines(1);
  std::size_t row = 0, column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      column = 0;
    } else if (text[i] == '\n') {
      ++row;
      column = 0;
      lines.resize(std::max(lines.size(), row + 1));
    } else if (text[i] == '\x1b') {
      const std::size_t end = text.find_first_of("AK", i);
      if (end == std::string::npos) throw std::runtime_error("unknown control sequence in " + text);
      if (text[end] == 'K') {
        lines[row].resize(std::min(lines[row].size(), column));
      } else {
        const std::string count = text.substr(i + 2, end - i - 2);
        row -= count.empty() ? 1 : std::stoul(count);
        if (row >= lines.size()) throw std::runtime_error("above the top of the screen: " + text);
      }
      i = end;
    } else {
      lines[row].resize(std::max(lines[row].size(), column + 1), ' ');
      lines[row][column++] = text[i];
    }
  }
  return lines;
}

}  // namespace keel::train::testing
