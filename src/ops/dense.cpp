#include "keel/ops/dense.h"

#include "ops/bias_gradient.h"
#include "ops/product.h"

namespace keel {
// y = activation(x w + b)      dz = dy activation'      dx += dz w^T      dw += x^T dz      db += sum of dz
Variable dense(const Variable& x, const Variable& weight, const Variable& bias, Activation activation) {
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
  const Tensor y = product("dense", x.value(), weight.value(), x.shape().with(-1, outputs),
                           {.bias = bias.defined() ? &bias.value() : nullptr, .activation = activation});

  std::vector<Variable> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return Variable::from_op(
      "dense", y, std::move(inputs),
      [vx = x.value(), w = weight.value(), activated = activation == Activation::relu ? y : Tensor(),
       has_bias = bias.defined()](const Tensor& dy, Gradients& gradients) {
        const BiasGradient behind = bias_gradient(dy, activated, has_bias && gradients.wants(2));
        const Tensor& dz = behind.input;
        if (gradients.wants(0)) gradients.add(0, product("dense", dz, w, vx.shape(), {.transpose_b = true}));
        if (gradients.wants(1)) gradients.add(1, product("dense", vx, dz, w.shape(), {.transpose_a = true}));
        if (behind.bias.defined()) gradients.add(2, behind.bias);
      });
}

}  // namespace keel
