#include <cmath>

#include "kernels/batch_norm_chunk.h"

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
