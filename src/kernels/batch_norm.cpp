#include <cmath>

#include "kernels/batch_norm_columns.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
void channel_maps_kernel(const double* mean, const double* variance, const T* gamma, const T* beta,
                         double epsilon, ChannelMaps<T> maps, Index channels) {
  // The rows do not overlap, which is too much for the compiler to find out.
#pragma omp simd
  for (Index c = 0; c < channels; ++c) {
    const double inverse_deviation = 1 / std::sqrt(variance[c] + epsilon);
    const double scale = (gamma ? static_cast<double>(gamma[c]) : 1) * inverse_deviation;
    const T centre = static_cast<T>(mean[c]);
    const double lost = mean[c] - static_cast<double>(centre);
    maps.centre[c] = centre;
    maps.scale[c] = static_cast<T>(scale);
    maps.shift[c] = static_cast<T>((beta ? static_cast<double>(beta[c]) : 0) - lost * scale);
    maps.inverse_deviation[c] = static_cast<T>(inverse_deviation);
    maps.correction[c] = static_cast<T>(-lost * inverse_deviation);
  }
  T* const all[] = {maps.centre, maps.scale, maps.shift, maps.inverse_deviation, maps.correction};
  for (T* values : all) repeat_first(values, channels);
}

template <class T, bool kRelu>
void normalize_chunk(const T* x, const ChannelMaps<T>& maps, T* y, Index rows, Index channels) {
  over_columns<T>(rows, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> centre[kVectors], scale[kVectors], shift[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      centre[v] = load(maps.centre + at);
      scale[v] = load(maps.scale + at);
      shift[v] = load(maps.shift + at);
    }
    for (Index i = 0, p = position; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p + access.offset(v);
        Vector<T> value = mapped<T>(access.get(x + at, centre[v]), centre[v], scale[v], shift[v]);
        if constexpr (kRelu) value = value < 0 ? Vector<T>{} : value;
        access.put(y + at, value);
      }
    }
  });
}

template <class T>
void normalize_kernel(const T* x, ChannelMaps<T> maps, bool relu, T* y, Index rows, Index channels) {
  const auto chunk = relu ? normalize_chunk<T, true> : normalize_chunk<T, false>;
  over_chunks(rows, channels,
              [&](Index begin, Index n, Index) { chunk(x + begin, maps, y + begin, n, channels); });
}

}  // namespace

const Entry<ChannelMapsKernel> channel_maps = {channel_maps_kernel<float>, channel_maps_kernel<double>};
const Entry<NormalizeKernel> normalize = {normalize_kernel<float>, normalize_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
