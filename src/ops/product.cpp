#include "ops/product.h"

#include "kernels/dispatch/blas.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"

namespace keel {
namespace {

struct Matrix {
  Index rows, columns;
};

Matrix as_matrix(const Tensor& t, bool transposed) {
  const Index columns = t.size(-1), rows = t.shape().numel_between(0, t.rank() - 1);
  return transposed ? Matrix{columns, rows} : Matrix{rows, columns};
}

template <class T>
void multiply(const kernels::GemmSizes& s, const T* a, const T* b, const T* bias, Tensor& y, bool relu) {
  if (!kernels::blas_is_faster(s)) {
    Tensor packed = Tensor::empty({kernels::gemm_packed_elements<T>(s)}, y.dtype());
    kernels::gemm(a, b, bias, y.data<T>(), packed.data<T>(), s, relu);
    return;
  }
  kernels::blas_gemm(s, a, b, y.data<T>());
  if (bias != nullptr) kernels::add_row(bias, y.data<T>(), s.m, s.n);
  if (relu) kernels::relu(y.data<T>(), y.data<T>(), y.numel());
}

}  // namespace

Tensor product(const char* operation, const Tensor& a, const Tensor& b, const Shape& shape,
               const ProductOptions& options) {
  check<DTypeError>(a.dtype() == b.dtype(), "[{}] expected operands of one element type, found {} and {}",
                    operation, name_of(a.dtype()), name_of(b.dtype()));
  const Matrix left = as_matrix(a, options.transpose_a), right = as_matrix(b, options.transpose_b);
  for (const Index extent : {left.rows, left.columns, right.columns}) {
    check<ShapeError>(extent <= kernels::kGemmMaxExtent, "[{}] extent {} is too large for a matrix product",
                      operation, extent);
  }
  const kernels::GemmSizes sizes{left.rows, right.columns, left.columns, options.transpose_a,
                                 options.transpose_b};
  Tensor y = Tensor::empty(shape, a.dtype());
  dispatch_floating(operation, a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    multiply(sizes, a.data<T>(), b.data<T>(), options.bias != nullptr ? options.bias->data<T>() : nullptr, y,
             options.activation == Activation::relu);
  });
  return y;
}

}  // namespace keel
