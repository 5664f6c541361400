#include "keel/ops/matmul.h"

#include "ops/product.h"

namespace keel {

// y = a b          da += dy b^T          db += a^T dy
Variable matmul(const Variable& a, const Variable& b) {
  check<ShapeError>(a.shape().rank() == 2 && b.shape().rank() == 2 && a.shape()[1] == b.shape()[0],
                    "[matmul] {} times {}: expected matrices whose inner extents agree", a.shape(),
                    b.shape());
  const Tensor y = product("matmul", a.value(), b.value(), {a.shape()[0], b.shape()[1]}, {});
  return Variable::from_op("matmul", y, {a, b},
                           [va = a.value(), vb = b.value()](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0))
                               gradients.add(0, product("matmul", dy, vb, va.shape(), {.transpose_b = true}));
                             if (gradients.wants(1))
                               gradients.add(1, product("matmul", va, dy, vb.shape(), {.transpose_a = true}));
                           });
}

}  // namespace keel
