#include "ops/product.h"

namespace keel {
namespace {

struct Matrix {
  Index rows, columns;
};

Matrix as_matrix(const Tensor& t, bool transposed) {
  const Index columns = t.size(-1), rows = t.shape().numel_between(0, t.rank() - 1);
  return transposed ? Matrix{columns, rows} : Matrix{rows, columns};
}

}  // namespace

Tensor product(const char* operation, const Tensor& a, const Tensor& b, const Shape& shape,
               const kernels::GemmOptions& options) {
  check<DTypeError>(a.dtype() == b.dtype(), "[{}] expected operands of one element type, found {} and {}",
                    operation, name_of(a.dtype()), name_of(b.dtype()));
  const Matrix left = as_matrix(a, options.transpose_a), right = as_matrix(b, options.transpose_b);
  for (const Index extent : {left.rows, left.columns, right.columns}) {
    check<ShapeError>(extent <= kernels::kGemmMaxExtent, "[{}] extent {} is too large for a matrix product",
                      operation, extent);
  }
  Tensor y = Tensor::empty(shape, a.dtype());
  dispatch_floating(operation, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::gemm(left.rows, right.columns, left.columns, a.data<T>(), b.data<T>(), y.data<T>(), options);
  });
  return y;
}

}  // namespace keel
