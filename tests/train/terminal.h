// Where progress is written in tests: a file, and a terminal whose screen can be looked at.
#pragma once

#include <fcntl.h>
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
    fcntl(outside_, F_SETFL, O_NONBLOCK);
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
  // What has come since the last call.
  std::string text() {
    std::string all(4096, '\0');
    const ssize_t got = read(outside_, all.data(), all.size());
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }

 private:
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
