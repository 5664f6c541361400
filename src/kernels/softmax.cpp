#include "kernels/softmax.h"

#include <cmath>

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kRows = 64;        // rows of a chunk
constexpr double kCostOfExp = 10;  // operations

// NaN anywhere in the row reaches every result through the sum.
template <class T>
T largest(const T* x, Index n) {
  T m = x[0];
  for (Index k = 1; k < n; ++k) m = x[k] > m ? x[k] : m;
  return m;
}

// y = exp(x - m); returns the sum.
template <class T>
T exponentials(const T* x, T m, T* y, Index n) {
  T sum = 0;
  for (Index k = 0; k < n; ++k) {
    y[k] = std::exp(x[k] - m);
    sum += y[k];
  }
  return sum;
}

template <class T>
void softmax_row(const T* x, T* y, Index n) {
  const T sum = exponentials(x, largest(x, n), y, n);
  for (Index k = 0; k < n; ++k) y[k] /= sum;
}

template <class F>
void over_rows(Index rows, Index n, double cost, const F& f) {
  for_chunks(rows, kRows, static_cast<double>(rows * n) * cost, [&](Index begin, Index end, Index) {
    for (Index r = begin; r < end; ++r) f(r * n, r);
  });
}

template <class T>
void softmax_kernel(const T* x, T* y, Index rows, Index n) {
  over_rows(rows, n, kCostOfExp, [&](Index at, Index) { softmax_row(x + at, y + at, n); });
}

template <class T>
void log_softmax_kernel(const T* x, T* y, Index rows, Index n) {
  over_rows(rows, n, kCostOfExp, [&](Index at, Index) {
    const T m = largest(x + at, n);
    const T log_sum = std::log(exponentials(x + at, m, y + at, n));
    for (Index k = at; k < at + n; ++k) y[k] = x[k] - m - log_sum;
  });
}

template <class T>
void softmax_gradient_kernel(const T* y, const T* dy, T* dx, Index rows, Index n) {
  over_rows(rows, n, 1, [&](Index at, Index) {
    T sum = 0;
    for (Index k = at; k < at + n; ++k) sum += dy[k] * y[k];
    for (Index k = at; k < at + n; ++k) dx[k] += y[k] * (dy[k] - sum);
  });
}

template <class T>
void log_softmax_gradient_kernel(const T* y, const T* dy, T* dx, Index rows, Index n) {
  over_rows(rows, n, kCostOfExp, [&](Index at, Index) {
    T sum = 0;
    for (Index k = at; k < at + n; ++k) sum += dy[k];
    for (Index k = at; k < at + n; ++k) dx[k] += dy[k] - std::exp(y[k]) * sum;
  });
}

// One thread: a batch has few rows, and the sum of losses keeps one order.
template <class T>
double cross_entropy_kernel(const T* logits, const std::int32_t* labels, T* probability, Index rows,
                            Index n) {
  double loss = 0;
  for (Index r = 0; r < rows; ++r) {
    const T* x = logits + r * n;
    T* y = probability + r * n;
    const T m = largest(x, n);
    const T sum = exponentials(x, m, y, n);
    for (Index k = 0; k < n; ++k) y[k] /= sum;
    // The logarithm of the sum, not of the rounded probability.
    loss += static_cast<double>(std::log(sum) - (x[labels[r]] - m));
  }
  return loss;
}

template <class T>
void cross_entropy_gradient_kernel(const T* probability, const std::int32_t* labels, double scale, T* dlogits,
                                   Index rows, Index n) {
  const T s = static_cast<T>(scale);
  over_rows(rows, n, 1, [&](Index at, Index r) {
    for (Index k = at; k < at + n; ++k) dlogits[k] = s * probability[k];
    const Index label = at + labels[r];
    dlogits[label] = s * (probability[label] - 1);
  });
}

}  // namespace

const Entry<SoftmaxKernel> softmax = {softmax_kernel<float>, softmax_kernel<double>};
const Entry<SoftmaxKernel> log_softmax = {log_softmax_kernel<float>, log_softmax_kernel<double>};
const Entry<SoftmaxGradientKernel> softmax_gradient = {softmax_gradient_kernel<float>,
                                                       softmax_gradient_kernel<double>};
const Entry<SoftmaxGradientKernel> log_softmax_gradient = {log_softmax_gradient_kernel<float>,
                                                           log_softmax_gradient_kernel<double>};
const Entry<CrossEntropyKernel> cross_entropy = {cross_entropy_kernel<float>, cross_entropy_kernel<double>};
const Entry<CrossEntropyGradientKernel> cross_entropy_gradient = {cross_entropy_gradient_kernel<float>,
                                                                  cross_entropy_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
