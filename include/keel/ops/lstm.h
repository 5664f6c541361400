// One timestep of a Long Short-Term Memory (Hochreiter & Schmidhuber, Neural Computation 9(8), 1997; with the
// forget gate of Gers et al., 2000), from the pre-activations z of its gates on. Along the last axis of z
// stand four blocks of U: input gate i, forget gate f, candidate g, output gate o, in PyTorch's order.
//
// Cell and output are two functions, as a normalisation may stand between them.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// next = sigmoid(f) c + sigmoid(i) tanh(g)
//   shapes:   z [N,4U], c [N,U] -> [N,U]
//   gradient: z (nothing for o) and c: dc += dnext sigmoid(f), di += dnext tanh(g) sigmoid'(i),
//             df += dnext c sigmoid'(f), dg += dnext sigmoid(i) tanh'(g)
//   throws:   ShapeError with both shapes; DTypeError
Variable lstm_cell(const Variable& z, const Variable& c);

// h = sigmoid(o) tanh(c)
//   shapes:   z [N,4U], c [N,U] -> [N,U]
//   gradient: z (nothing for i, f, g) and c: dc += dh sigmoid(o) tanh'(c), do += dh tanh(c) sigmoid'(o)
//   throws:   ShapeError with both shapes; DTypeError
Variable lstm_hidden(const Variable& z, const Variable& c);

}  // namespace keel
