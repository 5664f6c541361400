// What normalisation layers check alike. `kind` is the layer's, for messages.
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

// throws: ValueError unless epsilon is finite and above 0, in float32 as well
void check_epsilon(const char* kind, double epsilon);
// throws: ValueError unless channels >= 1; as check_epsilon()
void check_norm(const char* kind, Index channels, double epsilon);
// A weight of the new batch.   throws: ValueError unless it is in [0,1]
void check_share(const char* kind, const char* option, double share);

// throws: DTypeError unless x has the element type of a parameter, if that is defined
void check_dtype(const char* kind, const Variable& x, const Variable& parameter);
// throws: ShapeError unless x is [...,channels] with at least two axes; as check_dtype()
void check_norm_input(const char* kind, const Variable& x, Index channels, const Variable& parameter);
// throws: ShapeError unless x has an axis in front of its last axes, which have this shape
void check_last_axes(const char* kind, const Variable& x, const Shape& shape);
// `where` says when that is asked for.   throws: ValueError if x has one row (or none)
void check_rows(const char* kind, const Variable& x, Index channels, const char* where = "in training");
// throws: ValueError if the context has a mask
void check_no_mask(const char* kind, const Context& context);
// The same for a mask of more than the examples: what is per example needs none of those.
void check_no_mask_of_steps(const char* kind, const Context& context);

}  // namespace keel::nn
