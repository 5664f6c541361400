#include "kernels/penalty.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
double penalty_kernel(const T* x, double l1, double l2, double* partial, Index n) {
  for_chunks(n, kPenaltyChunk, static_cast<double>(n), [&](Index begin, Index end, Index chunk) {
    constexpr Index kSums = 16;  // side by side, as one alone would wait for each addition
    double sums[kSums] = {};
    const auto term = [=](T element) {
      const double v = static_cast<double>(element);
      return v * (l2 * v + (v < 0 ? -l1 : l1));
    };
    Index i = begin;
    for (; i + kSums <= end; i += kSums) {
      for (Index j = 0; j < kSums; ++j) sums[j] += term(x[i + j]);
    }
    for (; i < end; ++i) sums[0] += term(x[i]);
    double total = 0;
    for (const double sum : sums) total += sum;
    partial[chunk] = total;
  });
  double total = 0;
  for (Index chunk = 0; chunk < penalty_partials(n); ++chunk) total += partial[chunk];
  return total;
}

template <class T>
void penalty_gradient_kernel(const T* x, double a, double b, T* dx, Index n) {
  const T slope = static_cast<T>(a), factor = static_cast<T>(b);
  for_chunks(n, kPenaltyChunk, static_cast<double>(n), [&](Index begin, Index end, Index) {
    for (Index i = begin; i < end; ++i) {
      const T sign = x[i] > 0 ? slope : x[i] < 0 ? -slope : T(0);
      dx[i] += sign + factor * x[i];
    }
  });
}

}  // namespace

const Entry<PenaltyKernel> penalty = {penalty_kernel<float>, penalty_kernel<double>};
const Entry<PenaltyGradientKernel> penalty_gradient = {penalty_gradient_kernel<float>,
                                                       penalty_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
