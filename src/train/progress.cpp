#include "keel/train/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace keel::train {
namespace {

constexpr auto kBetweenDraws = std::chrono::milliseconds(100);
constexpr int kUsualColumns = 80;

std::string minutes_and_seconds(double seconds) {
  const auto whole = static_cast<Index>(std::lround(std::max(seconds, 0.0)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::size_t terminal_columns(std::FILE* out) {
  winsize size{};
  const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

}  // namespace

Progress::Progress(ProgressOptions options, std::FILE* out)
    : Progress(std::move(options), out, isatty(fileno(out)) != 0) {}

Progress::Progress(ProgressOptions options, std::FILE* out, bool terminal)
    : options_(std::move(options)), out_(out), terminal_(terminal) {}

// A bar left over from a run that was stopped must not run into what is printed next.
Progress::~Progress() { erase_bar(); }

void Progress::erase_bar() {
  if (!bar_shown_) return;
  fmt::print(out_, "\r\x1b[K");
  std::fflush(out_);
  bar_shown_ = false;
}

std::string Progress::bar(const StepRecord& r, double seconds) const {
  constexpr Index kWidth = 16;
  const Index filled = r.batch * kWidth / r.batches;
  std::string cells(static_cast<std::size_t>(kWidth), '-');
  std::fill_n(cells.begin(), filled, '=');
  if (filled < kWidth) cells[static_cast<std::size_t>(filled)] = '>';
  // The rest of this epoch and the epochs to come, at the speed so far.
  const double done = static_cast<double>(r.batch) / static_cast<double>(r.batches);
  const double left = seconds / done * (static_cast<double>(options_.epochs - r.epoch) + 1 - done);
  const double rate = static_cast<double>(r.examples) / std::max(seconds, 1e-9);
  return fmt::format("{} epoch {:>{}}/{} [{}] {:>{}}/{}  loss {:.4f}  {:.0f} images/s  {} left",
                     options_.name, r.epoch, std::to_string(options_.epochs).size(), options_.epochs, cells,
                     r.batch, std::to_string(r.batches).size(), r.batches, r.mean_loss, rate,
                     minutes_and_seconds(left));
}

void Progress::on_step(const StepRecord& record) {
  const auto now = Clock::now();
  if (!terminal_ || now - last_drawn_ < kBetweenDraws) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - epoch_start_).count();
  // A line that wraps could not be drawn over.
  const std::string line = bar(record, seconds).substr(0, terminal_columns(out_) - 1);
  fmt::print(out_, "\r{}\x1b[K", line);
  std::fflush(out_);
  bar_shown_ = true;
}

void Progress::on_epoch(const EpochRecord& r) {
  erase_bar();
  fmt::print(out_,
             "{} epoch {:>{}}/{}  train loss {:.4f} acc {:.2f} %  val loss {:.4f} acc {:.2f} %  {:.2f} s\n",
             options_.name, r.epoch, std::to_string(options_.epochs).size(), options_.epochs, r.train_loss,
             100 * r.train_accuracy, r.val_loss, 100 * r.val_accuracy, r.seconds);
  std::fflush(out_);
  epoch_start_ = Clock::now();
}

}  // namespace keel::train
