#include "kernels/pool2d.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// The part of an output pixel's window that lies in the image.
struct Window {
  Index top, bottom, left, right;

  Window(const Pool2dSizes& s, Index i, Index j)
      : top(i * s.stride_h - s.pad_h),
        bottom(top + s.kh),
        left(j * s.stride_w - s.pad_w),
        right(left + s.kw) {
    if (top < 0) top = 0;
    if (left < 0) left = 0;
    if (bottom > s.h) bottom = s.h;
    if (right > s.w) right = s.w;
  }

  Index divisor(const Pool2dSizes& s, bool count_padding) const {
    return count_padding ? s.kh * s.kw : (bottom - top) * (right - left);
  }
};

double window_elements(const Pool2dSizes& s) {
  return static_cast<double>(s.n * s.oh * s.ow * s.c) * static_cast<double>(s.kh * s.kw);
}

// Calls body(image, window, output pixel) for all output pixels of rows [begin, end) of all images' output
// rows.
template <class Body>
inline void for_windows(const Pool2dSizes& s, Index begin, Index end, const Body& body) {
  for (Index row = begin; row < end; ++row) {
    for (Index j = 0; j < s.ow; ++j) body(row / s.oh, Window(s, row % s.oh, j), row * s.ow + j);
  }
}

// Forward loops may be cut anywhere; backward, where windows overlap, only between images.
constexpr Index kForwardRows = 4;

template <class T>
void max_pool2d_kernel(const T* x, T* y, std::int32_t* argmax, const Pool2dSizes& s) {
  for_chunks(s.n * s.oh, kForwardRows, window_elements(s), [&](Index begin, Index end, Index) {
    for_windows(s, begin, end, [&](Index image, const Window& window, Index out) {
      T* __restrict best = y + out * s.c;
      std::int32_t* __restrict where = argmax + out * s.c;
      const Index first = window.top * s.w + window.left;
      const T* first_x = x + (image * s.h * s.w + first) * s.c;
      for (Index c = 0; c < s.c; ++c) {
        best[c] = first_x[c];
        where[c] = static_cast<std::int32_t>(first);
      }
      for (Index i = window.top; i < window.bottom; ++i) {
        for (Index j = window.left; j < window.right; ++j) {
          const std::int32_t pixel = static_cast<std::int32_t>(i * s.w + j);
          const T* __restrict value = x + (image * s.h * s.w + pixel) * s.c;
          for (Index c = 0; c < s.c; ++c) {
            const bool take = (value[c] > best[c]) | (value[c] != value[c]);
            best[c] = take ? value[c] : best[c];
            where[c] = take ? pixel : where[c];
          }
        }
      }
    });
  });
}

template <class T>
void max_pool2d_grad_kernel(const T* dy, const std::int32_t* argmax, T* dx, const Pool2dSizes& s) {
  const Index outputs = s.oh * s.ow * s.c;
  for_chunks(s.n, 1, static_cast<double>(s.n * outputs), [&](Index image, Index, Index) {
    T* dx_image = dx + image * s.h * s.w * s.c;
    const T* dy_image = dy + image * outputs;
    const std::int32_t* where = argmax + image * outputs;
    for (Index pixel = 0; pixel < s.oh * s.ow; ++pixel) {
      for (Index c = 0; c < s.c; ++c) dx_image[where[pixel * s.c + c] * s.c + c] += dy_image[pixel * s.c + c];
    }
  });
}

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

const Entry<MaxPool2dKernel> max_pool2d = {max_pool2d_kernel<float>, max_pool2d_kernel<double>};
const Entry<MaxPool2dGradKernel> max_pool2d_grad = {max_pool2d_grad_kernel<float>,
                                                    max_pool2d_grad_kernel<double>};
const Entry<AvgPool2dKernel> avg_pool2d = {avg_pool2d_kernel<float>, avg_pool2d_kernel<double>};
const Entry<AvgPool2dGradKernel> avg_pool2d_grad = {avg_pool2d_grad_kernel<float>,
                                                    avg_pool2d_grad_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
