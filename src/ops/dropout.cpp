#include "keel/ops/dropout.h"

#include "kernels/dropout.h"

namespace keel {
namespace {

Tensor masked(const Tensor& x, const kernels::DropoutMask& mask) {
  Tensor y = Tensor::like(x);
  dispatch_floating("dropout", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::dropout(x.data<T>(), y.data<T>(), y.numel(), &mask);
  });
  return y;
}

}  // namespace

// y = x mask / (1 - rate)          dx += dy mask / (1 - rate)
Variable dropout(const Variable& x, double rate, const Rng& stream) {
  check<ValueError>(rate >= 0 && rate < 1, "[dropout] expected a rate in [0,1), found {}", rate);
  const kernels::DropoutMask mask{stream.seed(), stream.stream(), rate};
  return Variable::from_op("dropout", masked(x.value(), mask), {x},
                           [mask](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, masked(dy, mask));
                           });
}

}  // namespace keel
