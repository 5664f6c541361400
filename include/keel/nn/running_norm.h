// What layers have in common that normalise channels by the statistics of batches in training, in a way of
// their own, and by running statistics of channels in evaluation: BatchRenorm and FullNorm.
#pragma once

#include <optional>

#include "keel/nn/module.h"
#include "keel/nn/recalibrated.h"
#include "keel/ops/batch_norm.h"

namespace keel::nn {

// While it recalibrates, a layer normalises as BatchNorm does in training.
class RunningNorm : public Recalibrated {
 public:
  bool can_recalibrate() const override { return true; }
  void recalibrate(bool on) override;

  Parameter weight;
  Parameter bias;
  Buffer running_mean;

 protected:
  // `kind` is for messages; one_row is whether one is enough in training.
  //   throws: ValueError unless channels >= 1, epsilon > 0 in float32 as well
  RunningNorm(const char* kind, Index channels, double epsilon, bool one_row = false);
  // What forward() does.
  //   throws: ShapeError, DTypeError; ValueError for a mask where the batch's statistics are taken, and for
  //           one row while it recalibrates, and in training if one is not enough
  Variable normalize(const Variable& x, Context& context, Activation activation = Activation::none);

 private:
  // In training, with the batch's statistics, which the running ones take up.
  virtual Variable normalize_by(const Variable& x, const BatchStatistics& batch, Activation activation) = 0;
  // While it recalibrates: running = (1 - share) running + share batch, of batches of so many rows.
  virtual void take_up(const BatchStatistics& batch, Index rows, double share) = 0;
  // The buffer beside running_mean, 1 at first: of variances, or of what running_variance() makes them of.
  virtual Buffer& running_spread() = 0;
  virtual Tensor running_variance() { return running_spread().value(); }

  const char* kind_;
  Index channels_;
  double epsilon_;
  bool one_row_;
  std::optional<Index> recalibrated_ = {};  // batches so far, while it recalibrates
};

}  // namespace keel::nn
