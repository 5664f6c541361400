#include "peak.h"

#include "kernels/simd.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// As many sums at once as leave registers for the two factors: more than any processor has in flight.
constexpr int kSums = kVectorRegisters - 4;

template <class T>
double peak_fma_kernel(T* value, Index steps) {
  Vector<T> sum[kSums];
  const Vector<T> factor = Vector<T>{} + T(0.5), term = Vector<T>{} + *value;
#pragma GCC unroll 32
  for (int i = 0; i < kSums; ++i) sum[i] = term + static_cast<T>(i);
  for (Index step = 0; step < steps; ++step) {
#pragma GCC unroll 32
    for (int i = 0; i < kSums; ++i) sum[i] = sum[i] * factor + term;
  }
  Vector<T> total = sum[0];
  for (int i = 1; i < kSums; ++i) total += sum[i];
  *value = 0;
  for (Index lane = 0; lane < kLanes<T>; ++lane) *value += total[lane];
  return 2.0 * kSums * static_cast<double>(kLanes<T>) * static_cast<double>(steps);
}

template <class T>
void peak_copy_kernel(const T* x, T* y, Index n) {
  Index i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, load(x + i));
  for (; i < n; ++i) y[i] = x[i];
}

}  // namespace

const Entry<PeakFmaKernel> peak_fma = {peak_fma_kernel<float>, peak_fma_kernel<double>};
const Entry<PeakCopyKernel> peak_copy = {peak_copy_kernel<float>, peak_copy_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
