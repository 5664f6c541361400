// Progress for a person: a bar on a terminal, a line an epoch elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "keel/train/callback.h"
#include "keel/train/progress_display.h"

namespace keel::train {

struct ProgressOptions {
  std::string name;  // in front of each line
  Index epochs = 0;  // of the whole run
  Index place = 0;   // of its bar among those on the same display
};

// What cannot be written is left out without an error. On a terminal, redrawn a few times a second, and
// replaced by the epoch's result when that is known:
//   bn epoch  3/10 [========>-------]  812/1500  loss 0.0512  48213 images/s  0:12 left
class Progress final : public Callback {
 public:
  explicit Progress(ProgressOptions options, std::FILE* out = stderr);
  // On a display that several runs share which go on at the same time.
  Progress(ProgressOptions options, std::shared_ptr<ProgressDisplay> display);
  // A bar left over from a run that was stopped is erased.
  ~Progress() override;

  void on_step(const StepRecord& record) override;
  void on_epoch(const EpochRecord& record) override;

 private:
  using Clock = std::chrono::steady_clock;
  // No longer than `columns` if the numbers leave room.
  std::string bar(const StepRecord& record, double seconds, std::size_t columns) const;

  ProgressOptions options_;
  std::shared_ptr<ProgressDisplay> display_;
  // Of the epoch that is under way: the number, and the batches that were done before this program came to
  // it.
  Index epoch_ = -1;
  Index batches_before_ = 0;
  Clock::time_point epoch_start_ = Clock::now();
  Clock::time_point last_drawn_{};
};

}  // namespace keel::train
