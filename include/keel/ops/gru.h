// One timestep of a Gated Recurrent Unit (Cho et al., arXiv:1406.1078), with the reset gate behind the
// recurrent product, as PyTorch and cuDNN have it.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// From the pre-activations a of all steps' inputs and b of the state h, in three blocks of U along the last
// axis: reset r, update u (PyTorch's z), candidate n, with a at step t:
//   r = sigmoid(a_r + b_r)     u = sigmoid(a_u + b_u)     n = tanh(a_n + r b_n)
//   next = (1 - u) n + u h
//   shapes:   a [N,T,3U], b [N,3U], h [N,U] -> [N,U]
//   gradient: a (at step t), b and h: with dn = dnext (1 - u) tanh' and du = dnext (h - n) sigmoid':
//             da_n += dn, db_n += dn r, da_r and db_r += dn b_n sigmoid', da_u and db_u += du, dh += dnext u
//   throws:   ShapeError with the shapes, or if t is not in [0, T); DTypeError
Variable gru_cell(const Variable& a, Index t, const Variable& b, const Variable& h);

}  // namespace keel
