// What layers with running statistics of channels have in common, beside operations and checks.
#pragma once

#include "keel/nn/module.h"
#include "keel/ops/reduction.h"
#include "nn/norm_checks.h"

namespace keel::nn {

// Reduces all axes but the last, which holds the channels.
ReductionOptions over_rows(const Shape& shape);
// Adds one to an int32 [1], which stays at the largest number it can hold.
void count_batch(Buffer& batches);
// running = (1 - share) running + share batch, in double.   shapes: of equal size
void blend(Tensor running, const Tensor& batch, double share);
void blend(Buffer& running, const Tensor& batch, double share);

}  // namespace keel::nn
