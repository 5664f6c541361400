// Backwards through the bias and the activation behind a product or a convolution, in one pass.
#pragma once

#include "kernels/kernel.h"

namespace keel::kernels {

inline constexpr Index kBiasGradientRows = 256;
inline Index bias_gradient_partials(Index rows, Index columns) {
  return columns * ((rows + kBiasGradientRows - 1) / kBiasGradientRows);
}

// masked[r, c] = y[r, c] > 0 ? dy[r, c] : 0, the gradient in front of a relu whose result is y, and
// dbias[c] = sum of masked[r, c] over the rows. Without y, dbias sums dy, and masked is not used.
// Sums are taken in chunks of kBiasGradientRows rows, each in T and all of them together in double.
//   partial   work space, bias_gradient_partials(rows, columns).   writes partial, masked (with y), dbias
template <class T>
using BiasGradientKernel = void(const T* dy, const T* y, T* masked, T* partial, T* dbias, Index rows,
                                Index columns);
KEEL_KERNEL(bias_gradient, BiasGradientKernel);

}  // namespace keel::kernels
