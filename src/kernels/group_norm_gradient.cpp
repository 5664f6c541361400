#include "kernels/group_norm.h"
#include "kernels/group_norm_parts.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// ---- A group is a row of numbers --------------------------------------------------------------------------

template <class T, bool kGamma>
void row_dx(const T* x, const T* dy, const T* gamma, const RowMap<T>& map, bool subtract_mean, T* dx,
            Index n) {
  const auto d_at = [&](Index i, const auto& access) {
    const Vector<T> d = access.get(dy + i, Vector<T>{});
    return kGamma ? d * access.get(gamma + i, Vector<T>{}) : d;
  };
  RowSum<T> sum_d, sum_d_xhat;
  along_row<T>(
      n,
      [&](int v, Index i, const auto& access) {
        const Vector<T> d = d_at(i, access);
        sum_d.parts[v] += d;
        sum_d_xhat.parts[v] += d * map(access.get(x + i, Vector<T>{}));
      },
      [&] {
        sum_d.flush();
        sum_d_xhat.flush();
      });
  const double count = static_cast<double>(n);
  const T mean_d = subtract_mean ? static_cast<T>(sum_d.total() / count) : 0;
  const T mean_d_xhat = static_cast<T>(sum_d_xhat.total() / count);
  over_row<T>(n, [&](Index i, const auto& access) {
    const Vector<T> xhat = map(access.get(x + i, Vector<T>{}));
    access.put(dx + i, map.inverse_deviation * (d_at(i, access) - mean_d - xhat * mean_d_xhat));
  });
}

// dgamma and dbeta [channels] each, of all rows together: few enough to be summed in T.  adds
template <class T>
void add_row_sums(const T* x, const T* dy, const RowMap<T>& map, T* dgamma, T* dbeta, Index n) {
  over_row<T>(n, [&](Index i, const auto& access) {
    const Vector<T> d = access.get(dy + i, Vector<T>{});
    const Vector<T> xhat = map(access.get(x + i, Vector<T>{}));
    access.put(dgamma + i, access.get(dgamma + i, Vector<T>{}) + d * xhat);
    access.put(dbeta + i, access.get(dbeta + i, Vector<T>{}) + d);
  });
}

template <class T>
void backward_rows(const T* x, const T* dy, const T* gamma, const double* statistics, T* sums,
                   double* partial, T* dx, Index rows, const GroupNormSizes& s) {
  const Index n = s.width, channels = s.groups * n;
  const auto write_dx = gamma ? row_dx<T, true> : row_dx<T, false>;
  for (Index c = 0; c < 2 * channels; ++c) sums[c] = 0;
  for (Index r = 0; r < rows; ++r) {
    const RowMap<T> map(statistics + 2 * r);
    const Index at = r % s.groups * n, i = r * n;
    if (dx) write_dx(x + i, dy + i, gamma ? gamma + at : nullptr, map, s.subtract_mean, dx + i, n);
    if (partial) add_row_sums(x + i, dy + i, map, sums + at, sums + channels + at, n);
  }
  if (!partial) return;
  for (Index c = 0; c < 2 * channels; ++c) partial[c] = static_cast<double>(sums[c]);
}

// ---- Otherwise: sums of each channel, and of those the group's --------------------------------------------

// dx = inverse_deviation * (gamma dy + (x - centre) * slope + offset)
template <class T>
void image_dx(const T* x, const T* dy, const ChannelMaps<T>& maps, const T* gamma, const T* slope,
              const T* offset, T* dx, Index positions, Index channels) {
  over_columns<T>(positions, channels, [&](const auto& access, Index position, Index step, Index count) {
    constexpr int kVectors = std::remove_cvref_t<decltype(access)>::kVectors;
    Vector<T> centre[kVectors], inverse[kVectors], factor[kVectors], a[kVectors], b[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Index at = channel_at(position + access.offset(v), channels);
      centre[v] = load(maps.centre + at);
      inverse[v] = load(maps.inverse_deviation + at);
      factor[v] = load(gamma + at);
      a[v] = load(slope + at);
      b[v] = load(offset + at);
    }
    for (Index i = 0, p = position; i < count; ++i, p += step) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const Index at = p + access.offset(v);
        const Vector<T> value = access.get(x + at, centre[v]), d = access.get(dy + at, Vector<T>{});
        access.put(dx + at, inverse[v] * (factor[v] * d + ((value - centre[v]) * a[v] + b[v])));
      }
    }
  });
}

template <class T>
void backward_image(const T* x, const T* dy, const T* gamma, const double* statistics, double* sums,
                    T* numbers, double* partial, T* dx, const GroupNormSizes& s) {
  const Index channels = s.groups * s.width, row = channels + kBatchNormPad;
  const ChannelMaps<T> maps = maps_in(numbers, channels);
  expand<T>(statistics, nullptr, nullptr, maps, s);
  sums_chunk<T, false>(x, dy, maps, sums, s.positions, channels);
  double* const sum_dy = sums;
  double* const sum_dy_xhat = sums + row;
  for (Index c = 0; c < channels; ++c) {
    sum_dy_xhat[c] += static_cast<double>(maps.correction[c]) * sum_dy[c];
    if (partial) partial[c] += sum_dy_xhat[c];
    if (partial) partial[channels + c] += sum_dy[c];
  }
  if (!dx) return;
  // These are not needed any more.
  T *const factor = maps.scale, *const offset = maps.shift, *const slope = maps.correction;
  const double share = 1 / (static_cast<double>(s.positions) * static_cast<double>(s.width));
  for (Index g = 0; g < s.groups; ++g) {
    double sum_d = 0, sum_d_xhat = 0;
    for (Index c = g * s.width; c < (g + 1) * s.width; ++c) {
      const double weight = gamma ? static_cast<double>(gamma[c]) : 1;
      if (s.subtract_mean) sum_d += weight * sum_dy[c];
      sum_d_xhat += weight * sum_dy_xhat[c];
    }
    const RowMap<T> map(statistics + 2 * g);
    const T b = static_cast<T>(-(sum_d + sum_d_xhat * static_cast<double>(map.correction)) * share);
    const T a = static_cast<T>(-sum_d_xhat * share * static_cast<double>(map.inverse_deviation));
    for (Index c = g * s.width; c < (g + 1) * s.width; ++c) {
      factor[c] = gamma ? gamma[c] : 1;
      offset[c] = b;
      slope[c] = a;
    }
  }
  T* const filled[] = {factor, offset, slope};
  for (T* values : filled) repeat_first(values, channels);
  image_dx(x, dy, maps, factor, slope, offset, dx, s.positions, channels);
}

template <class T>
void group_norm_gradient_kernel(const T* x, const T* dy, const T* gamma, const double* statistics,
                                GroupNormRoom<T> room, double* partial, GroupNormGradients<T> gradients,
                                GroupNormSizes s) {
  const Index channels = s.groups * s.width, size = s.positions * channels;
  T* const dx = gradients.dx;
  over_examples(s, room, [&](Index begin, Index n, Index chunk, double* sums, T* numbers) {
    const double* const given = statistics + 2 * begin * s.groups;
    double* const part = gradients.dgamma ? partial + 2 * chunk * channels : nullptr;
    if (is_row<T>(s)) {
      const Index at = begin * size;
      backward_rows(x + at, dy + at, gamma, given, numbers, part, dx ? dx + at : nullptr, n * s.groups, s);
      return;
    }
    for (Index c = 0; part && c < 2 * channels; ++c) part[c] = 0;
    for (Index i = 0; i < n; ++i) {
      const Index at = (begin + i) * size;
      backward_image(x + at, dy + at, gamma, given + 2 * i * s.groups, sums, numbers, part,
                     dx ? dx + at : nullptr, s);
    }
  });
  if (!gradients.dgamma) return;
  const Index chunks = num_chunks(s.outer, group_norm_chunk(s));
  const auto total = [&](Index i) {
    double sum = 0;
    for (Index chunk = 0; chunk < chunks; ++chunk) sum += partial[2 * chunk * channels + i];
    return static_cast<T>(sum);
  };
  for (Index c = 0; c < channels; ++c) {
    gradients.dgamma[c] = total(c);
    gradients.dbeta[c] = total(channels + c);
  }
}

}  // namespace

const Entry<GroupNormGradientKernel> group_norm_gradient = {group_norm_gradient_kernel<float>,
                                                            group_norm_gradient_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
