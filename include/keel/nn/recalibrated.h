// Running statistics that can be taken anew: precise BatchNorm, keel/train/recalibrate.h.
#pragma once

namespace keel::nn {

// What a layer (a Module) is as well, if its running statistics are averages of batches' own.
class Recalibrated {
 public:
  virtual ~Recalibrated() = default;
  // Whether recalibrate(true) would replace statistics: not if the layer is frozen or keeps none.
  virtual bool can_recalibrate() const = 0;
  // While a layer recalibrates, it uses the batch's statistics in evaluation, too, and its running statistics
  // are the plain mean over the batches since it began, whatever the momentum. Beginning resets them; ending
  // puts things back to normal.
  virtual void recalibrate(bool on) = 0;
};

}  // namespace keel::nn
