#include <type_traits>

#include "kernels/parallel.h"
#include "kernels/pool2d_window.h"
#include "kernels/simd.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Channels of one pixel that are worked on together, a vector or one: their values, and the pixels where the
// largest of each are, as integers of the same width.
template <class T>
struct VectorOfChannels {
  using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Values = Vector<T>;
  using Pixels = Vector<Integer>;
  typedef std::int32_t Stored __attribute__((vector_size(kLanes<T> * sizeof(std::int32_t)),
                                             aligned(alignof(std::int32_t)), may_alias));
  static Values get(const T* p) { return load(p); }
  static void put(T* p, Values v) { store(p, v); }
  static Pixels all(Index pixel) { return Pixels{} + static_cast<Integer>(pixel); }
  static Pixels get_pixels(const std::int32_t* p) {
    return __builtin_convertvector(*reinterpret_cast<const Stored*>(p), Pixels);
  }
  static void put_pixels(std::int32_t* p, Pixels pixels) {
    *reinterpret_cast<Stored*>(p) = __builtin_convertvector(pixels, Stored);
  }
};
template <class T>
struct OneChannel {
  using Values = T;
  using Pixels = std::int32_t;
  static Values get(const T* p) { return *p; }
  static void put(T* p, Values v) { *p = v; }
  static Pixels all(Index pixel) { return static_cast<Pixels>(pixel); }
  static Pixels get_pixels(const std::int32_t* p) { return *p; }
  static void put_pixels(std::int32_t* p, Pixels pixels) { *p = pixels; }
};

// f(kind, channel) for all channels.
template <class T, class F>
inline __attribute__((always_inline)) void over_channels(Index channels, const F& f) {
  Index c = 0;
  for (; c + kLanes<T> <= channels; c += kLanes<T>) f(VectorOfChannels<T>(), c);
  for (; c < channels; ++c) f(OneChannel<T>(), c);
}

// f(rows, columns) of the part of a window that lies in the image; the usual numbers are known to the
// compiler.
template <class F>
inline __attribute__((always_inline)) void with_extents(const Window& window, const F& f) {
  const Index rows = window.bottom - window.top, columns = window.right - window.left;
  if (rows == 2 && columns == 2) {
    f(Index{2}, Index{2});
  } else {
    f(rows, columns);
  }
}

template <class T>
void max_pool2d_kernel(const T* x, T* y, std::int32_t* argmax, const Pool2dSizes& s) {
  for_chunks(s.n * s.oh, kForwardRows, window_elements(s), [=](Index begin, Index end, Index) {
    for_windows(s, begin, end, [=](Index image, const Window& window, Index out) {
      const Index corner = window.top * s.w + window.left;
      const T* x_corner = x + (image * s.h * s.w + corner) * s.c;
      with_extents(window, [=](Index rows, Index columns) {
        over_channels<T>(s.c, [=]<class Kind>(Kind, Index c) {
          auto best = Kind::get(x_corner + c);
          auto where = Kind::all(corner);
          for (Index i = 0; i < rows; ++i) {
            for (Index j = 0; j < columns; ++j) {
              const Index pixel = i * s.w + j;
              const auto value = Kind::get(x_corner + pixel * s.c + c);
              const auto take = (value > best) | (value != value);
              best = take ? value : best;
              where = take ? Kind::all(corner + pixel) : where;
            }
          }
          Kind::put(y + out * s.c + c, best);
          Kind::put_pixels(argmax + out * s.c + c, where);
        });
      });
    });
  });
}

// dx of one image += dy at each argmax; or, where every pixel is in one window, dx = that or 0.
template <bool kAdd, class T>
void image_gradient(const T* dy, const std::int32_t* argmax, T* dx, const Pool2dSizes& s) {
  for_windows(s, 0, s.oh, [=](Index, const Window& window, Index out) {
    with_extents(window, [=](Index rows, Index columns) {
      over_channels<T>(s.c, [=]<class Kind>(Kind, Index c) {
        const auto gradient = Kind::get(dy + out * s.c + c);
        const auto where = Kind::get_pixels(argmax + out * s.c + c);
        for (Index i = 0; i < rows; ++i) {
          for (Index j = 0; j < columns; ++j) {
            const Index pixel = (window.top + i) * s.w + window.left + j;
            T* const target = dx + pixel * s.c + c;
            const auto share = where == Kind::all(pixel) ? gradient : typename Kind::Values{};
            Kind::put(target, kAdd ? Kind::get(target) + share : share);
          }
        }
      });
    });
  });
}

template <class T>
void max_pool2d_grad_kernel(const T* dy, const std::int32_t* argmax, T* dx, const Pool2dSizes& s) {
  const bool every_pixel_in_one_window = s.oh * s.kh == s.h && s.ow * s.kw == s.w && s.stride_h == s.kh &&
                                         s.stride_w == s.kw && s.pad_h == 0 && s.pad_w == 0;
  const Index outputs = s.oh * s.ow * s.c, inputs = s.h * s.w * s.c;
  for_chunks(s.n, 1, window_elements(s), [=](Index image, Index, Index) {
    T* const dx_image = dx + image * inputs;
    if (every_pixel_in_one_window) {
      image_gradient<false>(dy + image * outputs, argmax + image * outputs, dx_image, s);
    } else {
      for (Index i = 0; i < inputs; ++i) dx_image[i] = 0;
      image_gradient<true>(dy + image * outputs, argmax + image * outputs, dx_image, s);
    }
  });
}

}  // namespace

const Entry<MaxPool2dKernel> max_pool2d = {max_pool2d_kernel<float>, max_pool2d_kernel<double>};
const Entry<MaxPool2dGradKernel> max_pool2d_grad = {max_pool2d_grad_kernel<float>,
                                                    max_pool2d_grad_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
