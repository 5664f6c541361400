#include "kernels/conv2d.h"
#include "kernels/conv2d_tile.h"
#include "kernels/parallel.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
void pad2d_kernel(const T* x, T* y, const Pad2dSizes& s) {
  const double work = static_cast<double>(s.n * s.out_h * s.out_w * s.c) * sizeof(T);
  for_chunks(s.n * s.out_h, 16, work, [&](Index begin, Index end, Index) {
    for (Index row = begin; row < end; ++row) {
      T* out = y + row * s.out_w * s.c;
      const Index from_top = row % s.out_h - s.top;
      const Index i = from_top / s.step_h;
      if (from_top < 0 || from_top % s.step_h != 0 || i >= s.h) {
        for (Index e = 0; e < s.out_w * s.c; ++e) out[e] = 0;
        continue;
      }
      const T* in = x + (row / s.out_h * s.h + i) * s.w * s.c;
      if (s.step_w == 1 && s.left >= 0 && s.left + s.w <= s.out_w) {
        for (Index e = 0; e < s.left * s.c; ++e) out[e] = 0;
        for (Index e = 0; e < s.w * s.c; ++e) out[s.left * s.c + e] = in[e];
        for (Index e = (s.left + s.w) * s.c; e < s.out_w * s.c; ++e) out[e] = 0;
        continue;
      }
      for (Index e = 0; e < s.out_w * s.c; ++e) out[e] = 0;
      for (Index j = 0; j < s.w; ++j) {
        const Index place = s.left + j * s.step_w;
        if (place < 0 || place >= s.out_w) continue;
        for (Index c = 0; c < s.c; ++c) out[place * s.c + c] = in[j * s.c + c];
      }
    }
  });
}

template <class T>
void conv2d_pack_kernel(const T* weight, const T* bias, T* packed, const Conv2dWeightSizes& s, bool flipped) {
  const Index c_group = s.c / s.groups, k_group = s.k / s.groups;
  const Index inputs = flipped ? k_group : c_group, outputs = flipped ? c_group : k_group;
  const Index input_step = flipped ? 1 : s.k, output_step = flipped ? s.k : 1;
  const Index panel = kPanelVectors * kLanes<T>;
  for (Index g = 0; g < s.groups; ++g) {
    T* out = packed + g * (s.taps * inputs + 1) * padded_channels<T>(outputs);
    for (Index first = 0; first < outputs; first += panel) {
      const Index real = min_of(panel, outputs - first);
      const Index width = ceil_div(real, kLanes<T>) * kLanes<T>;
      for (Index o = 0; o < width; ++o)
        out[o] = bias != nullptr && o < real ? bias[g * outputs + first + o] : 0;
      out += width;
      for (Index tap = 0; tap < s.taps; ++tap) {
        const T* in =
            weight + (flipped ? s.taps - 1 - tap : tap) * c_group * s.k + g * k_group + first * output_step;
        for (Index i = 0; i < inputs; ++i, out += width) {
          for (Index o = 0; o < real; ++o) out[o] = in[i * input_step + o * output_step];
          for (Index o = real; o < width; ++o) out[o] = 0;
        }
      }
    }
  }
}

}  // namespace

const Entry<Pad2dKernel> pad2d = {pad2d_kernel<float>, pad2d_kernel<double>};
const Entry<Conv2dPackKernel> conv2d_pack = {conv2d_pack_kernel<float>, conv2d_pack_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
