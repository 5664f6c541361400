#include "keel/ops/penalty.h"

#include <cmath>

#include "kernels/penalty.h"

namespace keel {

Variable l1_l2_penalty(const Variable& x, double l1, double l2) {
  const auto is_factor = [](double factor) { return std::isfinite(factor) && factor >= 0; };
  check<ValueError>(is_factor(l1) && is_factor(l2),
                    "[l1_l2_penalty] expected finite factors of at least 0, found {} and {}", l1, l2);
  Tensor y = Tensor::empty({}, x.dtype());
  dispatch_floating("l1_l2_penalty", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index n = x.value().numel();
    Tensor partial = Tensor::empty({kernels::penalty_partials(n)}, DType::float64);
    y.fill(kernels::penalty(x.value().data<T>(), l1, l2, partial.data<double>(), n));
  });
  return Variable::from_op("l1_l2_penalty", std::move(y), {x},
                           [vx = x.value(), l1, l2](const Tensor& dy, Gradients& gradients) {
                             if (!gradients.wants(0)) return;
                             Tensor& dx = gradients.add_to(0);
                             dispatch_floating("l1_l2_penalty", dy.dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               kernels::penalty_gradient(vx.data<T>(), dy.item() * l1, dy.item() * 2 * l2,
                                                         dx.data<T>(), vx.numel());
                             });
                           });
}

}  // namespace keel
