#include "kernels/dropout.h"

#include "kernels/parallel.h"
#include "kernels/philox.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kChunk = 1 << 12;  // elements; a multiple of the numbers in a block
constexpr double kCost = 10;       // operations an element takes

// f(i, factor) for each element: element i is decided by number i of the stream.
template <class T, class F>
void over_mask(Index n, const DropoutMask& mask, const F& f) {
  // A number below rate * 2^32 means 0.
  const auto threshold = static_cast<std::uint64_t>(mask.rate * 0x1p32);
  const T kept = static_cast<T>(1 / (1 - mask.rate));
  for_chunks(n, kChunk, static_cast<double>(n) * kCost, [&](Index begin, Index end, Index) {
    for (Index i = begin; i < end; i += 4) {
      const PhiloxBlock numbers = philox(mask.seed, mask.stream, static_cast<std::uint64_t>(i) / 4);
      for (Index k = 0; k < 4 && i + k < end; ++k) f(i + k, numbers.value[k] >= threshold ? kept : T(0));
    }
  });
}

template <class T>
void dropout_kernel(const T* x, T* y, Index n, const DropoutMask* mask) {
  // Not x * 0: what was infinite is gone as well.
  over_mask<T>(n, *mask, [&](Index i, T factor) { y[i] = factor == 0 ? T(0) : x[i] * factor; });
}

template <class T>
void dropout_gradient_kernel(const T* dy, T* dx, Index n, const DropoutMask* mask) {
  over_mask<T>(n, *mask, [&](Index i, T factor) { dx[i] += factor == 0 ? T(0) : dy[i] * factor; });
}

}  // namespace

const Entry<DropoutKernel> dropout = {dropout_kernel<float>, dropout_kernel<double>};
const Entry<DropoutKernel> dropout_gradient = {dropout_gradient_kernel<float>,
                                               dropout_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
