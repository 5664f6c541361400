#include "keel/ops/arithmetic.h"

#include "keel/core/tensor_ops.h"

namespace keel {

// y = a + b              da += dy          db += dy
Variable add(const Variable& a, const Variable& b) {
  const Shape shape_a = a.shape(), shape_b = b.shape();
  return Variable::from_op("add", add(a.value(), b.value()), {a, b},
                           [=](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, sum_to(dy, shape_a));
                             if (gradients.wants(1)) gradients.add(1, sum_to(dy, shape_b));
                           });
}

// y = a - b              da += dy          db -= dy
Variable subtract(const Variable& a, const Variable& b) {
  const Shape shape_a = a.shape(), shape_b = b.shape();
  return Variable::from_op("subtract", subtract(a.value(), b.value()), {a, b},
                           [=](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, sum_to(dy, shape_a));
                             if (gradients.wants(1)) add_scaled(gradients.add_to(1), sum_to(dy, shape_b), -1);
                           });
}

// y = a b                da += dy b        db += dy a
Variable multiply(const Variable& a, const Variable& b) {
  return Variable::from_op("multiply", multiply(a.value(), b.value()), {a, b},
                           [va = a.value(), vb = b.value()](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, sum_to(multiply(dy, vb), va.shape()));
                             if (gradients.wants(1)) gradients.add(1, sum_to(multiply(dy, va), vb.shape()));
                           });
}

// y = a / b              da += dy / b      db -= dy y / b
Variable divide(const Variable& a, const Variable& b) {
  const Tensor y = divide(a.value(), b.value());
  return Variable::from_op(
      "divide", y, {a, b}, [y, shape_a = a.shape(), vb = b.value()](const Tensor& dy, Gradients& gradients) {
        const Tensor dy_over_b = divide(dy, vb);
        if (gradients.wants(0)) gradients.add(0, sum_to(dy_over_b, shape_a));
        if (gradients.wants(1))
          add_scaled(gradients.add_to(1), sum_to(multiply(dy_over_b, y), vb.shape()), -1);
      });
}

// y = scale x + shift    dx += scale dy
Variable affine(const Variable& x, double scale, double shift) {
  return Variable::from_op("affine", affine(x.value(), scale, shift), {x},
                           [scale](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) add_scaled(gradients.add_to(0), dy, scale);
                           });
}

Variable negate(const Variable& x) { return affine(x, -1, 0); }

Variable operator/(double a, const Variable& b) {
  return divide(Variable(Tensor::full({}, a, b.dtype())), b);
}

}  // namespace keel
