#include "kernels/pool2d.h"

#include "kernels/parallel.h"
#include "kernels/pool2d_window.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
void avg_pool2d_kernel(const T* x, T* y, const Pool2dSizes& s, bool count_padding) {
  for_chunks(s.n * s.oh, kForwardRows, window_elements(s), [&](Index begin, Index end, Index) {
    for_windows(s, begin, end, [&](Index image, const Window& window, Index out) {
      T* __restrict sum = y + out * s.c;
      for (Index c = 0; c < s.c; ++c) sum[c] = 0;
      for (Index i = window.top; i < window.bottom; ++i) {
        for (Index j = window.left; j < window.right; ++j) {
          const T* __restrict value = x + ((image * s.h + i) * s.w + j) * s.c;
          for (Index c = 0; c < s.c; ++c) sum[c] += value[c];
        }
      }
      const T divisor = static_cast<T>(window.divisor(s, count_padding));
      for (Index c = 0; c < s.c; ++c) sum[c] /= divisor;
    });
  });
}

template <class T>
void avg_pool2d_grad_kernel(const T* dy, T* dx, const Pool2dSizes& s, bool count_padding) {
  for_chunks(s.n, 1, window_elements(s), [&](Index image, Index, Index) {
    for_windows(s, image * s.oh, (image + 1) * s.oh, [&](Index, const Window& window, Index out) {
      const T* __restrict d = dy + out * s.c;
      const T divisor = static_cast<T>(window.divisor(s, count_padding));
      for (Index i = window.top; i < window.bottom; ++i) {
        for (Index j = window.left; j < window.right; ++j) {
          T* __restrict target = dx + ((image * s.h + i) * s.w + j) * s.c;
          for (Index c = 0; c < s.c; ++c) target[c] += d[c] / divisor;
        }
      }
    });
  });
}

}  // namespace

const Entry<AvgPool2dKernel> avg_pool2d = {avg_pool2d_kernel<float>, avg_pool2d_kernel<double>};
const Entry<AvgPool2dGradKernel> avg_pool2d_grad = {avg_pool2d_grad_kernel<float>,
                                                    avg_pool2d_grad_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
