// The penalty on a parameter's size that a loss takes up.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// y = l1 sum |x| + l2 sum x^2, summed in double
//   shapes:   any -> []
//   gradient: dx += dy (l1 sign(x) + 2 l2 x), where sign(0) = 0
//   throws:   DTypeError; ValueError unless l1 and l2 are finite and at least 0
// (Tikhonov's and, for l1, the lasso's of Tibshirani, J. R. Stat. Soc. B 58(1), 1996; with these factors in
// Keras's L1, L2 and L1L2. PyTorch's weight_decay = w stands for l2 = w / 2.)
Variable l1_l2_penalty(const Variable& x, double l1, double l2);

}  // namespace keel
