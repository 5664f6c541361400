#include "keel/ops/dropout.h"

#include "kernels/dropout.h"

namespace keel {

// y = x mask / (1 - rate)          dx += dy mask / (1 - rate)
Variable dropout(const Variable& x, double rate, const Rng& stream) {
  check<ValueError>(rate >= 0 && rate < 1, "[dropout] expected a rate in [0,1), found {}", rate);
  const kernels::DropoutMask mask{stream.seed(), stream.stream(), rate};
  Tensor y = Tensor::like(x.value());
  dispatch_floating("dropout", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::dropout(x.value().data<T>(), y.data<T>(), y.numel(), &mask);
  });
  return Variable::from_op("dropout", y, {x}, [mask](const Tensor& dy, Gradients& gradients) {
    if (!gradients.wants(0)) return;
    Tensor& dx = gradients.add_to(0);
    dispatch_floating("dropout", dy.dtype(), [&](auto zero) {
      using T = decltype(zero);
      kernels::dropout_gradient(dy.data<T>(), dx.data<T>(), dy.numel(), &mask);
    });
  });
}

}  // namespace keel
