// Precise BatchNorm: running statistics anew, after training.
#pragma once

#include <string>
#include <vector>

#include "keel/data/batches.h"
#include "keel/nn/module.h"
#include "keel/train/metrics.h"

namespace keel::train {

// Replaces the running statistics of every BatchNorm, MeanOnlyBatchNorm, BatchRenorm, FullNorm and
// TimestepBatchNorm (that of recurrent layers, each timestep's by itself), or other layer that is
// nn::Recalibrated, in the model by the plain mean of the statistics of `count` batches (of the variance: the
// unbiased one; FullNorm: of both moments), as Ioffe & Szegedy, arXiv:1502.03167v3, Algorithm 2, step 10, do
// after training; Wu & Johnson, arXiv:2105.07576, section 3, call it PreciseBN. What they were, averages over
// weights that changed meanwhile, does not matter.
//
// The batches are the first ones of epoch 0 in the order of their options, which training does not use, and
// those of later epochs if it has fewer. Each counts the same: leave out a smaller last one (drop_last).
// Each is normalised by its own statistics, as in training; all else runs in evaluation mode. So Dropout is
// off, as it is when the statistics are used (with it on, as in PyTorch's recipes, the variance behind it is
// larger than at inference: Li et al., arXiv:1801.05134). Weights and momentum are left as they are, and so
// are layers that are frozen or have no running statistics, and those of other kinds:
// statistics_left_alone(). The same bits for any number of threads.
//
// If it throws, the statistics are what they were.
//   throws: ValueError unless count >= 1, or if there is no such BatchNorm in the model, naming the layers
//           that are left alone; Interrupted; Error if a statistic is not finite; what the layers throw, as
//           BatchNorm does for a batch of one row
void recalibrate_batch_norm(nn::Module& model, const data::Batches& batches, Index count,
                            const StopRequest& stop = {});

// The layers that recalibrate_batch_norm() leaves alone though they keep running statistics, as they are not
// nn::Recalibrated: "layer 1 (batch_renorm)". A layer is taken to keep some if it has a buffer "running_...".
std::vector<std::string> statistics_left_alone(nn::Module& model);

}  // namespace keel::train
