#include "kernels/batch_norm_chunk.h"

namespace keel::kernels::KEEL_ISA {
namespace {

template <class T>
void batch_norm_sums_kernel(const T* x, const T* dy, ChannelMaps<T> maps, bool relu, double* partial,
                            BatchNormTerms<T> terms, Index rows, Index channels) {
  const auto sums = relu ? sums_chunk<T, true> : sums_chunk<T, false>;
  const Index row = channels + kBatchNormPad, chunks = num_chunks(rows, batch_norm_chunk_rows(channels));
  over_chunks(rows, channels, [&](Index begin, Index n, Index chunk) {
    sums(x + begin, dy + begin, maps, partial + 2 * chunk * row, n, channels);
  });
  for (Index chunk = 1; chunk < chunks; ++chunk) {
    const double* part = partial + 2 * chunk * row;
    for (Index i = 0; i < 2 * row; ++i) partial[i] += part[i];
  }
  const double share = 1 / static_cast<double>(rows);
  for (Index c = 0; c < channels; ++c) {
    const double correction = static_cast<double>(maps.correction[c]);
    const double sum_d = partial[c], sum_d_xhat = partial[row + c] + correction * sum_d;
    terms.sum_d[c] = static_cast<T>(sum_d);
    terms.sum_d_xhat[c] = static_cast<T>(sum_d_xhat);
    terms.slope[c] = static_cast<T>(-sum_d_xhat * share * static_cast<double>(maps.inverse_deviation[c]));
    terms.offset[c] = static_cast<T>(-(sum_d + sum_d_xhat * correction) * share);
  }
  repeat_first(terms.slope, channels);
  repeat_first(terms.offset, channels);
}

template <class T, bool kRelu>
void gradient_chunk(const T* x, const T* dy, const ChannelMaps<T>& maps, const BatchNormTerms<T>& terms,
                    T* dx, Index rows, Index channels) {
  over_columns<T>(rows, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> centre[kVectors], scale[kVectors], shift[kVectors], slope[kVectors], offset[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      centre[v] = load(maps.centre + at);
      scale[v] = load(maps.scale + at);
      slope[v] = load(terms.slope + at);
      offset[v] = load(terms.offset + at);
      if constexpr (kRelu) shift[v] = load(maps.shift + at);
    }
    for (Index i = 0, p = position; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p + access.offset(v);
        const Vector<T> value = access.get(x + at, centre[v]);
        Vector<T> d = access.get(dy + at, Vector<T>{});
        if constexpr (kRelu) d = mapped<T>(value, centre[v], scale[v], shift[v]) > 0 ? d : Vector<T>{};
        access.put(dx + at, scale[v] * (d + ((value - centre[v]) * slope[v] + offset[v])));
      }
    }
  });
}

template <class T>
void batch_norm_gradient_kernel(const T* x, const T* dy, ChannelMaps<T> maps, bool relu,
                                BatchNormTerms<T> terms, T* dx, Index rows, Index channels) {
  const auto chunk = relu ? gradient_chunk<T, true> : gradient_chunk<T, false>;
  over_chunks(rows, channels, [&](Index begin, Index n, Index) {
    chunk(x + begin, dy + begin, maps, terms, dx + begin, n, channels);
  });
}

}  // namespace

const Entry<BatchNormSumsKernel> batch_norm_sums = {batch_norm_sums_kernel<float>,
                                                    batch_norm_sums_kernel<double>};
const Entry<BatchNormGradientKernel> batch_norm_gradient = {batch_norm_gradient_kernel<float>,
                                                            batch_norm_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
