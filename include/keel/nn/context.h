// Context: what a forward pass needs to know beside its input. Never global, never left over from an earlier
// call.
#pragma once

#include <functional>
#include <string>

#include "keel/autograd/variable.h"
#include "keel/core/rng.h"

namespace keel::nn {

enum class Mode { training, evaluation };

// Called with the path ("2.conv") of each part of a module that was run, what it was given and what it
// returned: parts first, then the whole.
using LayerObserver =
    std::function<void(const std::string& path, const Variable& input, const Variable& output)>;

class Context {
 public:
  // For training the loop passes a stream that is a function of (seed, step), so a resumed run draws the same
  // numbers.
  explicit Context(Mode mode, Rng rng = Rng(0, Stream::dropout)) : mode_(mode), rng_(rng) {}

  Mode mode() const { return mode_; }
  bool training() const { return mode_ == Mode::training; }

  // A stream for one use: each call of a forward pass gets another one.
  Rng next_stream() { return rng_.substream(calls_++); }

  // Rows that count in the statistics of a batch, those where the mask is not 0: [N] for examples, [N,T] for
  // steps of padded sequences. Undefined: all rows count. It changes statistics only: rows that do not count
  // are computed all the same, and leaving them out of the loss is the caller's. The batches of keel/data
  // have none, so fit(), evaluation and recalibration never set one: it is for loops of the caller's own.
  //
  // There is one mask for the whole pass. What changes the leading axes, so that the mask no longer fits, is
  // to be followed by a pass in a context of its own; run_part() refuses, in training, a part that takes the
  // axes of the mask away.
  //
  //   use it     BatchNorm, alone or in NoisyBatchNorm: see there for its shape
  //   refuse it  (ValueError) where they take statistics of the batch: MeanOnlyBatchNorm, BatchRenorm,
  //              FullNorm, BatchLayerNorm, TimestepBatchNorm (so recurrent layers with it), and WeightNorm
  //              in its initialisation; and one of more than one axis in both modes: GroupNorm and
  //              InstanceNorm of inputs with positions, LayerNorm and RMSNorm over more than one axis
  //   ignore it  all others, which treat each row by itself; so do recurrent layers, whose state goes
  //              on through steps that do not count
  void set_mask(Tensor mask) { mask_ = std::move(mask); }
  const Tensor& mask() const { return mask_; }

  // run_part() reports to the observer, if there is one.
  void set_observer(LayerObserver observer) { observer_ = std::move(observer); }
  const LayerObserver& observer() const { return observer_; }
  // The path of the module that is being run, as a prefix: "" or "block1.".
  const std::string& path() const { return path_; }
  void set_path(std::string path) { path_ = std::move(path); }

 private:
  Mode mode_;
  Rng rng_;
  std::uint64_t calls_ = 0;
  LayerObserver observer_;
  std::string path_;
  Tensor mask_;
};

}  // namespace keel::nn
