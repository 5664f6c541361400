#include "kernels/gather_pixels.h"

#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kCacheLine = 64;
constexpr Index kChunk = 1 << 15;  // pixels, about
constexpr double kCost = 3;        // operations a pixel takes, most of them to wait for memory

// x / 255 without a division: the product of x and the first bits of 1/255 is exact, so that the sum alone is
// rounded, if the rest is small enough. That it is, for every byte, is checked here.
template <class T>
constexpr T kFirstBits = static_cast<T>(0x1.01p-8);
template <class T>
constexpr T kRest = static_cast<T>(1.0L / 255 - 0x1.01p-8L);

template <class T>
constexpr T input_of(T pixel) {
  return pixel * kFirstBits<T> + pixel * kRest<T>;
}

template <class T>
constexpr bool is_quotient_for_every_byte() {
  for (int pixel = 0; pixel < 256; ++pixel) {
    if (input_of(static_cast<T>(pixel)) != static_cast<T>(pixel) / T(255)) return false;
  }
  return true;
}
static_assert(is_quotient_for_every_byte<float>() && is_quotient_for_every_byte<double>());

template <class T>
void gather_pixels_kernel(const std::uint8_t* images, const std::int32_t* rows, T* y, Index n, Index pixels) {
  const Index chunk = kChunk / pixels > 1 ? kChunk / pixels : 1;
  for_chunks(n, chunk, static_cast<double>(n * pixels) * kCost, [=](Index begin, Index end, Index) {
    for (Index i = begin; i < end; ++i) {
      // Images of a shuffled batch lie anywhere: the processor does not guess which one is next.
      if (i + 1 < end) {
        const std::uint8_t* const next = images + rows[i + 1] * pixels;
        for (Index p = 0; p < pixels; p += kCacheLine) __builtin_prefetch(next + p);
      }
      const std::uint8_t* __restrict from = images + rows[i] * pixels;
      T* __restrict to = y + i * pixels;
      for (Index p = 0; p < pixels; ++p) to[p] = input_of(static_cast<T>(from[p]));
    }
  });
}

}  // namespace

const Entry<GatherPixelsKernel> gather_pixels = {gather_pixels_kernel<float>, gather_pixels_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
