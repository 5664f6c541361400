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

// Four decimals, as losses usually are; a loss that explodes must not fill the screen.
std::string loss(double value) {
  return value < 1e4 ? fmt::format("{:.4f}", value) : fmt::format("{:.3e}", value);
}

std::string minutes_and_seconds(double seconds) {
  const auto whole = static_cast<Index>(std::lround(std::max(seconds, 0.0)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// Nothing is said of a failure: progress that cannot be shown is no reason to stop a run.
void show(std::FILE* out, const std::string& text) {
  std::fputs(text.c_str(), out);
  std::fflush(out);
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
  show(out_, "\r\x1b[K");
  bar_shown_ = false;
}

std::string Progress::bar(const StepRecord& r, double seconds, std::size_t columns) const {
  constexpr std::size_t kMostCells = 16, kFewestCells = 4;
  // The rest of this epoch and the epochs to come, at the speed so far.
  const double done = static_cast<double>(r.batch) / static_cast<double>(r.batches);
  const double left = seconds / done * (static_cast<double>(options_.epochs - r.epoch) + 1 - done);
  const double rate = static_cast<double>(r.examples) / std::max(seconds, 1e-9);
  const std::string front = fmt::format("{} epoch {:>{}}/{} [", options_.name, r.epoch,
                                        std::to_string(options_.epochs).size(), options_.epochs);
  const std::string back =
      fmt::format("] {:>{}}/{}  loss {}  {:.0f} images/s  {} left", r.batch, std::to_string(r.batches).size(),
                  r.batches, loss(r.mean_loss), rate, minutes_and_seconds(left));
  // The cells give way to the numbers.
  const std::size_t text = front.size() + back.size();
  const std::size_t width = std::clamp(columns - std::min(columns, text), kFewestCells, kMostCells);
  const auto filled = static_cast<std::size_t>(r.batch) * width / static_cast<std::size_t>(r.batches);
  std::string cells = std::string(filled, '=') + std::string(width - filled, '-');
  if (filled < width) cells[filled] = '>';
  return (front + cells + back).substr(0, columns);
}

void Progress::on_step(const StepRecord& record) {
  const auto now = Clock::now();
  if (!terminal_ || now - last_drawn_ < kBetweenDraws) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - epoch_start_).count();
  // A line that wraps could not be drawn over, and one in the last column may wrap.
  show(out_, fmt::format("\r{}\x1b[K", bar(record, seconds, terminal_columns(out_) - 1)));
  bar_shown_ = true;
}

void Progress::on_epoch(const EpochRecord& r) {
  erase_bar();
  show(out_, fmt::format("{} epoch {:>{}}/{}  train {} {:.2f} %  val {} {:.2f} %  {:.2f} s\n", options_.name,
                         r.epoch, std::to_string(options_.epochs).size(), options_.epochs, loss(r.train_loss),
                         100 * r.train_accuracy, loss(r.val_loss), 100 * r.val_accuracy, r.seconds));
  epoch_start_ = Clock::now();
}

}  // namespace keel::train
