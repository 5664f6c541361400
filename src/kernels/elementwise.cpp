#include "kernels/elementwise.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/sigmoid.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kChunk = 1 << 15;  // elements: half of a level 2 cache of today with two operands

// f(begin, end) over chunks of [0, n); `cost` is the operations an element takes.
template <class F>
void over_elements(Index n, double cost, const F& f) {
  for_chunks(n, kChunk, static_cast<double>(n) * cost, [&](Index begin, Index end, Index) { f(begin, end); });
}

template <class T, class F>
void binary_row(const T* a, Index a_stride, const T* b, Index b_stride, T* y, Index n, const F& f) {
  if (a_stride == 1 && b_stride == 1) {
    for (Index i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (a_stride == 1 && b_stride == 0) {
    const T value = *b;
    for (Index i = 0; i < n; ++i) y[i] = f(a[i], value);
  } else if (a_stride == 0 && b_stride == 1) {
    const T value = *a;
    for (Index i = 0; i < n; ++i) y[i] = f(value, b[i]);
  } else {
    for (Index i = 0; i < n; ++i) y[i] = f(a[i * a_stride], b[i * b_stride]);
  }
}

template <class T, class F>
void binary(const T* a, const T* b, T* y, const BroadcastPlan& plan, const F& f) {
  if (plan.rank <= 1) {
    const Index n = plan.rank == 0 ? 1 : plan.extents[0];
    const Index sa = plan.a_strides[0], sb = plan.b_strides[0];
    over_elements(n, 1, [&](Index begin, Index end) {
      binary_row(a + begin * sa, sa, b + begin * sb, sb, y + begin, end - begin, f);
    });
    return;
  }
  const int inner = plan.rank - 1;
  const Index n = plan.extents[inner];
  Index rows = 1;
  for (int axis = 0; axis < inner; ++axis) rows *= plan.extents[axis];
  const Index rows_per_chunk = n >= kChunk ? 1 : kChunk / (n > 0 ? n : 1);
  for_chunks(rows, rows_per_chunk, static_cast<double>(rows * n), [&](Index begin, Index end, Index) {
    for (Index row = begin; row < end; ++row) {
      Index rest = row, a_offset = 0, b_offset = 0;
      for (int axis = inner - 1; axis >= 0; --axis) {
        const Index i = rest % plan.extents[axis];
        rest /= plan.extents[axis];
        a_offset += i * plan.a_strides[axis];
        b_offset += i * plan.b_strides[axis];
      }
      binary_row(a + a_offset, plan.a_strides[inner], b + b_offset, plan.b_strides[inner], y + row * n, n, f);
    }
  });
}

template <class T>
void add_kernel(const T* a, const T* b, T* y, const BroadcastPlan* plan) {
  binary(a, b, y, *plan, [](T p, T q) { return p + q; });
}
template <class T>
void subtract_kernel(const T* a, const T* b, T* y, const BroadcastPlan* plan) {
  binary(a, b, y, *plan, [](T p, T q) { return p - q; });
}
template <class T>
void multiply_kernel(const T* a, const T* b, T* y, const BroadcastPlan* plan) {
  binary(a, b, y, *plan, [](T p, T q) { return p * q; });
}
template <class T>
void divide_kernel(const T* a, const T* b, T* y, const BroadcastPlan* plan) {
  binary(a, b, y, *plan, [](T p, T q) { return p / q; });
}

template <class T>
void equal_kernel(const T* a, const T* b, T* y, Index n) {
  over_elements(n, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] = a[i] == b[i] ? T(1) : T(0);
  });
}

template <class T>
void add_row_kernel(const T* b, T* y, Index rows, Index columns) {
  const Index rows_per_chunk = columns >= kChunk ? 1 : kChunk / (columns > 0 ? columns : 1);
  for_chunks(rows, rows_per_chunk, static_cast<double>(rows * columns), [&](Index begin, Index end, Index) {
    for (Index r = begin; r < end; ++r) {
      for (Index c = 0; c < columns; ++c) y[r * columns + c] += b[c];
    }
  });
}

template <class T>
void affine_kernel(const T* x, double scale, double shift, T* y, Index n) {
  const T s = static_cast<T>(scale), t = static_cast<T>(shift);
  over_elements(n, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] = s * x[i] + t;
  });
}

template <class T>
void add_scaled_kernel(const T* x, double scale, T* y, Index n) {
  const T s = static_cast<T>(scale);
  over_elements(n, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] += s * x[i];
  });
}

template <class T>
void multiply_add_kernel(const T* a, const T* b, double scale, T* y, Index n) {
  const T s = static_cast<T>(scale);
  over_elements(n, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] += s * a[i] * b[i];
  });
}

template <class T>
void divide_add_kernel(const T* a, const T* b, double scale, T* y, Index n) {
  const T s = static_cast<T>(scale);
  over_elements(n, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] += s * a[i] / b[i];
  });
}

template <class T, class F>
void unary(const T* x, T* y, Index n, double cost, const F& f) {
  over_elements(n, cost, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

template <class T>
void exp_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 10, [](T v) { return std::exp(v); });
}
template <class T>
void log_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 10, [](T v) { return std::log(v); });
}
template <class T>
void sqrt_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 1, [](T v) { return std::sqrt(v); });
}
template <class T>
void tanh_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 20, [](T v) { return std::tanh(v); });
}
template <class T>
void sigmoid_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 10, [](T v) { return sigmoid_of(v); });
}
template <class T>
void relu_kernel(const T* x, T* y, Index n) {
  unary(x, y, n, 1, [](T v) { return v < 0 ? T(0) : v; });
}

template <class T>
void pow_kernel(const T* x, double exponent, T* y, Index n) {
  const T e = static_cast<T>(exponent);
  unary(x, y, n, 20, [e](T v) { return std::pow(v, e); });
}

template <class T, class F>
void unary_gradient(const T* y, const T* dy, T* dx, Index n, double cost, const F& f) {
  over_elements(n, cost, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) dx[i] = f(y[i], dy[i]);
  });
}

template <class T>
void tanh_gradient_kernel(const T* y, const T* dy, T* dx, Index n) {
  unary_gradient(y, dy, dx, n, 1, [](T v, T d) { return d * (1 - v * v); });
}
template <class T>
void sigmoid_gradient_kernel(const T* y, const T* dy, T* dx, Index n) {
  unary_gradient(y, dy, dx, n, 1, [](T v, T d) { return d * v * (1 - v); });
}
template <class T>
void relu_gradient_kernel(const T* y, const T* dy, T* dx, Index n) {
  unary_gradient(y, dy, dx, n, 1, [](T v, T d) { return v > 0 ? d : T(0); });
}

template <class T>
void pow_gradient_kernel(const T* x, const T* dy, double exponent, T* dx, Index n) {
  if (exponent == 0) {  // x^0 is constant, also at 0, where the formula has 0 * infinity
    unary_gradient(x, dy, dx, n, 1, [](T, T) { return T(0); });
    return;
  }
  const T e = static_cast<T>(exponent);
  unary_gradient(x, dy, dx, n, 20, [e](T v, T d) { return d * e * std::pow(v, e - 1); });
}

template <class T>
int all_finite_kernel(const T* x, Index n) {
  // 0 * v is 0 for every finite v, and NaN otherwise: a sum the compiler can vectorise.
  T sum = 0;
  for (Index begin = 0; begin < n; begin += kChunk) {
    const Index end = begin + kChunk < n ? begin + kChunk : n;
#pragma omp simd reduction(+ : sum)
    for (Index i = begin; i < end; ++i) sum += 0 * x[i];
    if (!(sum == 0)) return 0;
  }
  return 1;
}

}  // namespace

const Entry<BinaryKernel> add = {add_kernel<float>, add_kernel<double>};
const Entry<BinaryKernel> subtract = {subtract_kernel<float>, subtract_kernel<double>};
const Entry<BinaryKernel> multiply = {multiply_kernel<float>, multiply_kernel<double>};
const Entry<BinaryKernel> divide = {divide_kernel<float>, divide_kernel<double>};
const Entry<EqualKernel> equal = {equal_kernel<float>, equal_kernel<double>};
const Entry<AddRowKernel> add_row = {add_row_kernel<float>, add_row_kernel<double>};
const Entry<AffineKernel> affine = {affine_kernel<float>, affine_kernel<double>};
const Entry<AddScaledKernel> add_scaled = {add_scaled_kernel<float>, add_scaled_kernel<double>};
const Entry<MultiplyAddKernel> multiply_add = {multiply_add_kernel<float>, multiply_add_kernel<double>};
const Entry<MultiplyAddKernel> divide_add = {divide_add_kernel<float>, divide_add_kernel<double>};
const Entry<UnaryKernel> exp = {exp_kernel<float>, exp_kernel<double>};
const Entry<UnaryKernel> log = {log_kernel<float>, log_kernel<double>};
const Entry<UnaryKernel> sqrt = {sqrt_kernel<float>, sqrt_kernel<double>};
const Entry<UnaryKernel> tanh = {tanh_kernel<float>, tanh_kernel<double>};
const Entry<UnaryKernel> sigmoid = {sigmoid_kernel<float>, sigmoid_kernel<double>};
const Entry<UnaryKernel> relu = {relu_kernel<float>, relu_kernel<double>};
const Entry<PowKernel> pow = {pow_kernel<float>, pow_kernel<double>};
const Entry<UnaryGradientKernel> tanh_gradient = {tanh_gradient_kernel<float>, tanh_gradient_kernel<double>};
const Entry<UnaryGradientKernel> sigmoid_gradient = {sigmoid_gradient_kernel<float>,
                                                     sigmoid_gradient_kernel<double>};
const Entry<UnaryGradientKernel> relu_gradient = {relu_gradient_kernel<float>, relu_gradient_kernel<double>};
const Entry<PowGradientKernel> pow_gradient = {pow_gradient_kernel<float>, pow_gradient_kernel<double>};
const Entry<AllFiniteKernel> all_finite = {all_finite_kernel<float>, all_finite_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
