#include "ops/bias_gradient.h"

#include "kernels/bias_gradient.h"

namespace keel {

BiasGradient bias_gradient(const Tensor& dy, const Tensor& activated, bool wants_bias) {
  if (!activated.defined() && !wants_bias) return {dy, Tensor()};
  const Index columns = dy.size(-1), rows = dy.shape().numel_between(0, dy.rank() - 1);
  BiasGradient result{activated.defined() ? Tensor::like(dy) : dy, Tensor::empty({columns}, dy.dtype())};
  dispatch_floating("bias_gradient", dy.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor partial = Tensor::empty({kernels::bias_gradient_partials(rows, columns)}, dy.dtype());
    const bool mask = activated.defined();
    kernels::bias_gradient(dy.data<T>(), mask ? activated.data<T>() : nullptr,
                           mask ? result.input.data<T>() : nullptr, partial.data<T>(), result.bias.data<T>(),
                           rows, columns);
  });
  if (!wants_bias) result.bias = Tensor();
  return result;
}

}  // namespace keel
