#include "keel/ops/matmul.h"

#include "ops/product.h"

namespace keel {

// y = a b          da += dy b^T          db += a^T dy
Variable matmul(const Variable& a, const Variable& b) {
  check<ShapeError>(a.shape().rank() == 2 && b.shape().rank() == 2 && a.shape()[1] == b.shape()[0],
                    "[matmul] {} times {}: expected matrices whose inner extents agree", a.shape(),
                    b.shape());
  Tensor y = Tensor::empty({a.shape()[0], b.shape()[1]}, a.dtype());
  product("matmul", a.value(), b.value(), y, {});
  return Variable::from_op("matmul", y, {a, b},
                           [va = a.value(), vb = b.value()](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0))
                               add_product("matmul", dy, vb, gradients, 0, {.transpose_b = true});
                             if (gradients.wants(1))
                               add_product("matmul", va, dy, gradients, 1, {.transpose_a = true});
                           });
}

}  // namespace keel
