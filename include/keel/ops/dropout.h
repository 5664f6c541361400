// Dropout (Srivastava et al., JMLR 15, 2014), inverted: scaled in training, so evaluation needs nothing.
#pragma once

#include "keel/autograd/variable.h"
#include "keel/core/rng.h"

namespace keel {

// y_i = x_i / (1 - rate) with probability 1 - rate, else 0. Which elements are kept is a function of the
// stream alone, whatever the number of threads.
//   shapes:   any -> the same
//   gradient: x, dx += dy / (1 - rate) where kept
//   throws:   ValueError unless 0 <= rate < 1; DTypeError
Variable dropout(const Variable& x, double rate, const Rng& stream);

}  // namespace keel
