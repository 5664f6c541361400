#include "kernels/group_norm.h"

#include <cmath>

#include "kernels/group_norm_parts.h"

namespace keel::kernels::KEEL_ISA {
namespace {

// Of one group.
struct Moments {
  double mean;
  double squares;  // sum (x - mean)^2
};

// sum d, sum d^2 around a centre, moved to the mean.
Moments moved(double centre, double sum, double squares, double count) {
  const double distance = sum / count, moved_squares = squares - sum * distance;
  return {centre + distance, moved_squares < 0 ? 0 : moved_squares};  // NaN stays NaN
}

// writes mean, 1 / sqrt(variance + epsilon)
void finish(Moments moments, double count, double epsilon, bool subtract_mean, double* out) {
  double variance = moments.squares / count;
  if (!subtract_mean) variance += moments.mean * moments.mean;
  out[0] = subtract_mean ? moments.mean : 0;
  out[1] = 1 / std::sqrt(variance + epsilon);
}

// ---- A group is a row of numbers --------------------------------------------------------------------------

// Around a number near the mean, as in chunk_statistics().
template <class T>
Moments row_moments(const T* x, Index n) {
  const double count = static_cast<double>(n);
  const Vector<T> first = x[0] - Vector<T>{};
  RowSum<T> sum;
  along_row<T>(
      n, [&](int v, Index i, const auto& access) { sum.parts[v] += access.get(x + i, first) - first; },
      [&] { sum.flush(); });
  const T centre = static_cast<T>(static_cast<double>(x[0]) + sum.total() / count);
  const Vector<T> c = centre - Vector<T>{};
  RowSum<T> differences, squares;
  along_row<T>(
      n,
      [&](int v, Index i, const auto& access) {
        const Vector<T> d = access.get(x + i, c) - c;
        differences.parts[v] += d;
        squares.parts[v] += d * d;
      },
      [&] {
        differences.flush();
        squares.flush();
      });
  return moved(static_cast<double>(centre), differences.total(), squares.total(), count);
}

// The same, each step in double, where T overflows.
template <class T>
Moments wide_row_moments(const T* x, Index n) {
  double sum = 0, differences = 0, squares = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
  const double count = static_cast<double>(n), centre = sum / count;
  for (Index i = 0; i < n; ++i) {
    const double d = static_cast<double>(x[i]) - centre;
    differences += d;
    squares += d * d;
  }
  return moved(centre, differences, squares, count);
}

template <class T, bool kGamma, bool kBeta>
void normalize_row(const T* x, const RowMap<T>& map, const T* gamma, const T* beta, T* y, Index n) {
  over_row<T>(n, [&](Index i, const auto& access) {
    Vector<T> value = map(access.get(x + i, Vector<T>{}));
    if constexpr (kGamma) value *= access.get(gamma + i, Vector<T>{});
    if constexpr (kBeta) value += access.get(beta + i, Vector<T>{});
    access.put(y + i, value);
  });
}

template <class T>
void forward_rows(const T* x, const T* gamma, const T* beta, double epsilon, double* statistics, T* y,
                  Index rows, const GroupNormSizes& s) {
  const auto normalize = gamma  ? beta ? normalize_row<T, true, true> : normalize_row<T, true, false>
                          : beta ? normalize_row<T, false, true>
                                : normalize_row<T, false, false>;
  const Index n = s.width;
  for (Index r = 0; r < rows; ++r) {
    Moments moments = row_moments(x + r * n, n);
    if (!std::isfinite(moments.squares)) moments = wide_row_moments(x + r * n, n);
    finish(moments, static_cast<double>(n), epsilon, s.subtract_mean, statistics + 2 * r);
    const Index at = r % s.groups * n;
    normalize(x + r * n, RowMap<T>(statistics + 2 * r), gamma ? gamma + at : nullptr,
              beta ? beta + at : nullptr, y + r * n, n);
  }
}

// ---- Otherwise: statistics of each channel, and of those the group's --------------------------------------

// Of the channels' mean and squares over `positions` (Chan, Golub & LeVeque, 1979).
Moments group_moments(const double* mean, const double* squares, Index positions, Index width) {
  const double count = static_cast<double>(positions);
  double sum = 0, total = 0;
  for (Index c = 0; c < width; ++c) {
    const double distance = mean[c] - mean[0];
    sum += count * distance;
    total += squares[c] + count * distance * distance;
  }
  return moved(mean[0], sum, total, count * static_cast<double>(width));
}

template <class T>
void forward_image(const T* x, const T* gamma, const T* beta, double epsilon, double* sums, T* numbers,
                   double* statistics, T* y, const GroupNormSizes& s) {
  const Index channels = s.groups * s.width, row = channels + kBatchNormPad;
  const ChunkStatistics found{sums, sums + row, sums + 2 * row};
  chunk_statistics<T, false>(x, found, s.positions, channels);
  bool overflow = false;
  for (Index c = 0; c < channels; ++c) overflow |= !std::isfinite(found.squares[c]);
  if (overflow) chunk_statistics<T, true>(x, found, s.positions, channels);
  const double count = static_cast<double>(s.positions) * static_cast<double>(s.width);
  for (Index g = 0; g < s.groups; ++g) {
    const Index c = g * s.width;
    finish(group_moments(found.mean + c, found.squares + c, s.positions, s.width), count, epsilon,
           s.subtract_mean, statistics + 2 * g);
  }
  const ChannelMaps<T> maps = maps_in(numbers, channels);
  expand(statistics, gamma, beta, maps, s);
  normalize_chunk<T, false>(x, maps, y, s.positions, channels);
}

template <class T>
void group_norm_kernel(const T* x, const T* gamma, const T* beta, double epsilon, GroupNormRoom<T> room,
                       double* statistics, T* y, GroupNormSizes s) {
  const Index size = s.positions * s.groups * s.width;
  over_examples(s, room, [&](Index begin, Index n, Index, double* sums, T* numbers) {
    double* const found = statistics + 2 * begin * s.groups;
    if (is_row<T>(s)) {
      forward_rows(x + begin * size, gamma, beta, epsilon, found, y + begin * size, n * s.groups, s);
      return;
    }
    for (Index i = 0; i < n; ++i) {
      const Index at = (begin + i) * size;
      forward_image(x + at, gamma, beta, epsilon, sums, numbers, found + 2 * i * s.groups, y + at, s);
    }
  });
}

}  // namespace

const Entry<GroupNormKernel> group_norm = {group_norm_kernel<float>, group_norm_kernel<double>};

}  // namespace keel::kernels::KEEL_ISA
