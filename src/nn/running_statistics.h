// What layers with running statistics of channels have in common beside the operations.
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

// `kind` is the layer's, for messages.

// throws: ValueError unless channels >= 1, epsilon > 0 in float32 as well
void check_norm(const char* kind, Index channels, double epsilon);
// A weight of the new batch.   throws: ValueError unless it is in [0,1]
void check_share(const char* kind, const char* option, double share);
// throws: ShapeError unless x is [...,channels] with at least two axes; DTypeError unless of this type
void check_norm_input(const char* kind, const Variable& x, Index channels, DType dtype);
// throws: ValueError if x has one row (or none)
void check_rows(const char* kind, const Variable& x, Index channels);

// throws: ValueError if the context has a mask
void check_no_mask(const char* kind, const Context& context);

// Adds one to an int32 [1], which stays at the largest number it can hold.
void count_batch(Buffer& batches);
// running = (1 - share) running + share batch, in double.   shapes: of equal size
void blend(Tensor running, const Tensor& batch, double share);
void blend(Buffer& running, const Tensor& batch, double share);

}  // namespace keel::nn
