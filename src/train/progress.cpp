#include "keel/train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace keel::train {
namespace {

constexpr auto kBetweenDraws = std::chrono::milliseconds(100);

// Four decimals, as losses usually are; a loss that explodes must not fill the screen.
std::string loss(double value) {
  return value < 1e4 ? fmt::format("{:.4f}", value) : fmt::format("{:.3e}", value);
}

std::string minutes_and_seconds(double seconds) {
  const auto whole = static_cast<Index>(std::lround(std::max(seconds, 0.0)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(ProgressOptions options, std::FILE* out)
    : Progress(std::move(options), std::make_shared<ProgressDisplay>(out)) {}

Progress::Progress(ProgressOptions options, std::shared_ptr<ProgressDisplay> display)
    : options_(std::move(options)), display_(std::move(display)) {}

Progress::~Progress() { display_->erase_bar(options_.place); }

std::string Progress::bar(const StepRecord& r, double seconds, std::size_t columns) const {
  constexpr std::size_t kMostCells = 16, kFewestCells = 4;
  // The rest of this epoch and the epochs to come, at the speed so far.
  const auto batches_seen = static_cast<double>(r.batch - batches_before_);
  const double epochs_left = static_cast<double>(options_.epochs - r.epoch) + 1 -
                             static_cast<double>(r.batch) / static_cast<double>(r.batches);
  const double left = seconds / batches_seen * static_cast<double>(r.batches) * epochs_left;
  const double examples_seen = static_cast<double>(r.examples) * batches_seen / static_cast<double>(r.batch);
  const double rate = examples_seen / std::max(seconds, 1e-9);
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
  return front + cells + back;
}

void Progress::on_step(const StepRecord& record) {
  if (record.epoch != epoch_) {
    epoch_ = record.epoch;
    batches_before_ = record.batch - 1;
  }
  const auto now = Clock::now();
  if (!display_->terminal() || now - last_drawn_ < kBetweenDraws) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - epoch_start_).count();
  display_->draw_bar(options_.place, bar(record, seconds, display_->columns()));
}

void Progress::on_epoch(const EpochRecord& r) {
  display_->replace_bar(
      options_.place,
      fmt::format("{} epoch {:>{}}/{}  train {} {:.2f} %  val {} {:.2f} %  {:.2f} s", options_.name, r.epoch,
                  std::to_string(options_.epochs).size(), options_.epochs, loss(r.train_loss),
                  100 * r.train_accuracy, loss(r.val_loss), 100 * r.val_accuracy, r.seconds));
  last_drawn_ = {};  // the bar of the next epoch takes its place at once
  epoch_start_ = Clock::now();
}

}  // namespace keel::train
