#include "keel/ops/dense.h"

#include <array>

#include "keel/core/tensor_ops.h"
#include "kernels/elementwise.h"
#include "ops/product.h"

namespace keel {
namespace {

// The rows of t as a matrix [all leading axes, last axis].
Index leading_extents(const Tensor& t) { return t.shape().numel_between(0, t.rank() - 1); }

// y += bias in place, row by row.
void add_bias(Tensor& y, const Tensor& bias) {
  dispatch_floating("dense", y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::add_row(bias.data<T>(), y.data<T>(), leading_extents(y), bias.numel());
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
  Tensor y = product("dense", x.value(), weight.value(), x.shape().with(-1, outputs), {});
  if (bias.defined()) add_bias(y, bias.value());

  std::vector<Variable> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return Variable::from_op(
      "dense", y, std::move(inputs),
      [vx = x.value(), w = weight.value(), has_bias = bias.defined()](const Tensor& dy,
                                                                      Gradients& gradients) {
        if (gradients.wants(0)) gradients.add(0, product("dense", dy, w, vx.shape(), {.transpose_b = true}));
        if (gradients.wants(1)) gradients.add(1, product("dense", vx, dy, w.shape(), {.transpose_a = true}));
        if (has_bias && gradients.wants(2))
          gradients.add(2, sum(dy.reshape({leading_extents(dy), dy.size(-1)}), std::array{0}));
      });
}

}  // namespace keel
