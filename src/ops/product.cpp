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

void product(const char* operation, const Tensor& a, const Tensor& b, Tensor& y,
             kernels::GemmOptions options) {
  check<DTypeError>(a.dtype() == b.dtype() && a.dtype() == y.dtype(),
                    "[{}] expected operands of one element type, found {} and {}", operation,
                    name_of(a.dtype()), name_of(b.dtype()));
  const Matrix left = as_matrix(a, options.transpose_a), right = as_matrix(b, options.transpose_b);
  for (const Index extent : {left.rows, left.columns, right.columns}) {
    check<ShapeError>(extent <= kernels::kGemmMaxExtent, "[{}] extent {} is too large for a matrix product",
                      operation, extent);
  }
  dispatch_floating(operation, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::gemm(left.rows, right.columns, left.columns, a.data<T>(), b.data<T>(), y.data<T>(), options);
  });
}

void add_product(const char* operation, const Tensor& a, const Tensor& b, Gradients& gradients,
                 std::size_t input, kernels::GemmOptions options) {
  options.scale_y = 1;
  product(operation, a, b, gradients.add_to(input), options);
}

}  // namespace keel
