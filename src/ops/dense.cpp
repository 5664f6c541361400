#include "keel/ops/dense.h"

#include <array>

#include "keel/core/tensor_ops.h"
#include "ops/product.h"

namespace keel {
namespace {

// y += bias in place, row by row.
void add_bias(Tensor& y, const Tensor& bias) {
  dispatch_floating("dense", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* b = bias.data<T>();
    const Index columns = bias.numel(), rows = y.numel() / columns;
    T* row = y.data<T>();
    for (Index r = 0; r < rows; ++r, row += columns) {
      for (Index c = 0; c < columns; ++c) row[c] += b[c];
    }
  });
}

}  // namespace

// y = x w + b      dx += dy w^T      dw += x^T dy      db += sum over rows of dy
Variable dense(const Variable& x, const Variable& weight, const Variable& bias) {
  check<ShapeError>(weight.shape().rank() == 2, "[dense] expected a weight [C,K], found {}", weight.shape());
  check<ShapeError>(x.shape().rank() >= 1 && x.shape()[-1] == weight.shape()[0],
                    "[dense] input {} does not fit weight {}: expected {} features along the last axis",
                    x.shape(), weight.shape(), weight.shape()[0]);
  const Index outputs = weight.shape()[1];
  check<ShapeError>(!bias.defined() || bias.shape() == Shape{outputs},
                    "[dense] expected a bias of shape [{}], found {}", outputs,
                    bias.defined() ? bias.shape() : Shape{});
  check<DTypeError>(!bias.defined() || bias.dtype() == weight.dtype(),
                    "[dense] expected a bias of {} elements, found {}", name_of(weight.dtype()),
                    bias.defined() ? name_of(bias.dtype()) : "");
  Tensor y = Tensor::empty(x.shape().with(-1, outputs), x.dtype());
  product("dense", x.value(), weight.value(), y, {});
  if (bias.defined() && outputs > 0) add_bias(y, bias.value());

  std::vector<Variable> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return Variable::from_op("dense", y, std::move(inputs),
                           [vx = x.value(), w = weight.value(), has_bias = bias.defined()](
                               const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0))
                               add_product("dense", dy, w, gradients, 0, {.transpose_b = true});
                             if (gradients.wants(1))
                               add_product("dense", vx, dy, gradients, 1, {.transpose_a = true});
                             if (has_bias && gradients.wants(2))
                               gradients.add(2, sum(dy.reshape({-1, dy.size(-1)}), std::array{0}));
                           });
}

}  // namespace keel
