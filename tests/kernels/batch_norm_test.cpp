// The kernels of batch normalisation against the formulas in long double.
#include "kernels/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::normal_values;
using testing::on_every_level;
using testing::unwritten;

template <class T>
class BatchNorm : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BatchNorm, Types);

struct Extents {
  Index rows, channels;
};
// Around a chunk of 256 rows and a block of 64 channels; the last two are worth several threads.
const Extents kExtents[] = {{1, 1},   {1, 65},  {2, 3},    {3, 17},    {255, 3},   {256, 1},
                            {257, 5}, {17, 63}, {513, 65}, {100, 130}, {5003, 65}, {100003, 3}};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct Statistics {
  long double mean = 0, variance = 0;
};
template <class T>
Statistics statistics(const std::vector<T>& x, Index rows, Index channels, Index c) {
  Statistics s;
  const auto n = static_cast<long double>(rows);
  for (Index r = 0; r < rows; ++r) s.mean += x[at(r * channels + c)] / n;
  for (Index r = 0; r < rows; ++r) {
    const long double d = x[at(r * channels + c)] - s.mean;
    s.variance += d * d / n;
  }
  return s;
}

// Means and variances of x at every level, side by side in one vector, given to check(means and variances).
template <class T, class Check>
void on_statistics(const std::vector<T>& x, Index rows, Index channels, const Check& check) {
  on_every_level<T>(
      column_statistics, unwritten<double>(2 * channels),
      [&](auto* f, double* out) {
        std::vector<double> partial(at(batch_norm_partials(rows, channels)) + 8, -1.0);
        f(x.data(), partial.data(), out, out + channels, rows, channels);
        for (std::size_t i = partial.size() - 8; i < partial.size(); ++i) EXPECT_EQ(partial[i], -1.0);
      },
      check);
}

TYPED_TEST(BatchNorm, StatisticsOfEveryColumn) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    std::vector<T> x = normal_values<T>(e.rows * e.channels, 1);
    for (Index i = 0; i < e.rows * e.channels; ++i) x[at(i)] += static_cast<T>(i % e.channels);
    on_statistics(x, e.rows, e.channels, [&](const std::vector<double>& found) {
      for (Index c = 0; c < e.channels; ++c) {
        const Statistics exact = statistics(x, e.rows, e.channels, c);
        // Differences of order one, rounded when taken (relative to the column's number) and added up in T
        // over chunks of 256: the mean's error is far below that of a sum of the numbers themselves.
        const double size = 1 + static_cast<double>(c) / 4;
        ASSERT_NEAR(found[at(c)], static_cast<double>(exact.mean), 8 * kEpsilon<T> * size)
            << e.rows << " rows, channel " << c;
        ASSERT_NEAR(found[at(e.channels + c)], static_cast<double>(exact.variance), 64 * kEpsilon<T>)
            << e.rows << " rows, channel " << c;
      }
    });
  }
}

TYPED_TEST(BatchNorm, AnOffsetCostsTheVarianceNothing) {
  using T = TypeParam;
  // Mean 1e4, deviation 0.1: the squares differ in the tenth digit. Exact differences leave the variance of
  // the numbers as they are in T.
  constexpr Index kRows = 1000, kChannels = 3;
  std::vector<T> x = normal_values<T>(kRows * kChannels, 2);
  for (T& v : x) v = T(1e4) + v * T(0.1);
  on_statistics(x, kRows, kChannels, [&](const std::vector<double>& found) {
    for (Index c = 0; c < kChannels; ++c) {
      const Statistics exact = statistics(x, kRows, kChannels, c);
      ASSERT_NEAR(found[at(c)], static_cast<double>(exact.mean), 16 * kEpsilon<T>);
      ASSERT_NEAR(found[at(kChannels + c)] / static_cast<double>(exact.variance), 1, 64 * kEpsilon<T>);
    }
  });
}

TYPED_TEST(BatchNorm, AConstantColumnHasAVarianceOfZero) {
  using T = TypeParam;
  const std::vector<T> x(3 * 777, T(0.1));
  on_statistics(x, 777, 3, [&](const std::vector<double>& found) {
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(found[c], static_cast<double>(T(0.1)));
      EXPECT_EQ(found[3 + c], 0);
    }
  });
}

TYPED_TEST(BatchNorm, NanReachesItsColumnAlone) {
  using T = TypeParam;
  std::vector<T> x = normal_values<T>(300 * 3, 1);
  x[at(299 * 3 + 1)] = testing::kNaN<T>;
  on_statistics(x, 300, 3, [&](const std::vector<double>& found) {
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(std::isnan(found[c]), c == 1);
      EXPECT_EQ(std::isnan(found[3 + c]), c == 1);
    }
  });
}

// Three rows of maps in one vector.
template <class T>
ChannelMaps<T> maps_in(T* rows, Index channels) {
  return {rows, rows + channels, rows + 2 * channels};
}

TYPED_TEST(BatchNorm, MapsGiveTheNormalisedValue) {
  using T = TypeParam;
  for (const Index channels : {1, 3, 17, 65}) {
    std::vector<double> mean = normal_values<double>(channels, 1),
                        variance = normal_values<double>(channels, 2);
    for (double& v : mean) v = 1000 + v / 3;  // not a number of T
    for (double& v : variance) v = v * v + 0.01;
    const std::vector<T> gamma = normal_values<T>(channels, 3), beta = normal_values<T>(channels, 4);
    for (const bool affine : {false, true}) {
      on_every_level<T>(
          channel_maps, unwritten<T>(3 * channels),
          [&](auto* f, T* out) {
            f(mean.data(), variance.data(), affine ? gamma.data() : nullptr, affine ? beta.data() : nullptr,
              1e-3, maps_in(out, channels), channels);
          },
          [&](const std::vector<T>& out) {
            for (Index c = 0; c < channels; ++c) {
              const long double centre = out[at(c)], scale = out[at(channels + c)],
                                shift = out[at(2 * channels + c)];
              const long double g = affine ? gamma[at(c)] : 1, b = affine ? beta[at(c)] : 0;
              const long double deviation = std::sqrt(variance[at(c)] + 1e-3L);
              // At a distance of one from the mean, which the centre alone would miss by half an epsilon of
              // 1000.
              const long double x = mean[at(c)] + 1;
              const long double size = std::abs(g / deviation) + std::abs(b);
              EXPECT_NEAR(static_cast<double>((x - centre) * scale + shift),
                          static_cast<double>(g / deviation + b),
                          2 * kEpsilon<T> * static_cast<double>(size));
            }
          });
    }
  }
}

template <class T>
struct Maps {
  explicit Maps(Index channels)
      : values(normal_values<T>(3 * channels, 9)), maps(maps_in(values.data(), channels)) {}
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;
  long double apply(T x, Index c) const {
    return (static_cast<long double>(x) - maps.centre[c]) * maps.scale[c] + maps.shift[c];
  }
  // What the roundings of apply() are relative to.
  long double size(T x, Index c) const {
    return (std::abs(static_cast<long double>(x)) + std::abs(maps.centre[c])) * std::abs(maps.scale[c]) +
           std::abs(maps.shift[c]);
  }
  std::vector<T> values;
  ChannelMaps<T> maps;
};

TYPED_TEST(BatchNorm, NormalizeAppliesTheMapsOfTheColumn) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.rows * e.channels, 1);
    const Maps<T> maps(e.channels);
    on_every_level<T>(
        normalize, unwritten<T>(e.rows * e.channels),
        [&](auto* f, T* y) { f(x.data(), maps.maps, y, e.rows, e.channels); },
        [&](const std::vector<T>& y) {
          for (Index i = 0; i < e.rows * e.channels; ++i) {
            const Index c = i % e.channels;
            ASSERT_NEAR(y[at(i)], static_cast<double>(maps.apply(x[at(i)], c)),
                        2 * kEpsilon<T> * static_cast<double>(maps.size(x[at(i)], c)));
          }
        });
  }
}

TYPED_TEST(BatchNorm, SumsOfTheGradient) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.rows * e.channels, 1),
                         dy = normal_values<T>(e.rows * e.channels, 2);
    const Maps<T> maps(e.channels);
    on_every_level<T>(
        batch_norm_sums, unwritten<double>(2 * e.channels),
        [&](auto* f, double* out) {
          std::vector<double> partial(at(batch_norm_partials(e.rows, e.channels)));
          f(x.data(), dy.data(), maps.maps, partial.data(), out, out + e.channels, e.rows, e.channels);
        },
        [&](const std::vector<double>& out) {
          for (Index c = 0; c < e.channels; ++c) {
            long double sum = 0, sum_xhat = 0, size = 0, size_xhat = 0;
            for (Index r = 0; r < e.rows; ++r) {
              const std::size_t i = at(r * e.channels + c);
              sum += dy[i];
              size += std::abs(dy[i]);
              sum_xhat += dy[i] * maps.apply(x[i], c);
              size_xhat += std::abs(dy[i]) * maps.size(x[i], c);
            }
            // Chunks of 256 rows are added up in T: half an epsilon of the partial sum each time, and those
            // wander like the square root of their length; 16 is that of 256.
            ASSERT_NEAR(out[at(c)], static_cast<double>(sum), 16 * kEpsilon<T> * static_cast<double>(size))
                << e.rows << " rows, channel " << c;
            ASSERT_NEAR(out[at(e.channels + c)], static_cast<double>(sum_xhat),
                        16 * kEpsilon<T> * static_cast<double>(size_xhat))
                << e.rows << " rows, channel " << c;
          }
        });
  }
}

TYPED_TEST(BatchNorm, GradientAddsToWhatIsThere) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const Index n = e.rows * e.channels;
    const std::vector<T> x = normal_values<T>(n, 1), dy = normal_values<T>(n, 2), dx = normal_values<T>(n, 3);
    const std::vector<T> factor = normal_values<T>(e.channels, 4), a = normal_values<T>(e.channels, 5),
                         b = normal_values<T>(e.channels, 6);
    const Maps<T> maps(e.channels);
    on_every_level<T>(
        batch_norm_gradient, dx,
        [&](auto* f, T* out) {
          f(x.data(), dy.data(), maps.maps, BatchNormGradient<T>{factor.data(), a.data(), b.data()}, out,
            e.rows, e.channels);
        },
        [&](const std::vector<T>& out) {
          for (Index i = 0; i < n; ++i) {
            const Index c = i % e.channels;
            const long double f = factor[at(c)], ac = a[at(c)], bc = b[at(c)];
            const long double term = f * (dy[at(i)] - ac - maps.apply(x[at(i)], c) * bc);
            const long double size =
                std::abs(dx[at(i)]) +
                std::abs(f) * (std::abs(dy[at(i)]) + std::abs(ac) + maps.size(x[at(i)], c) * std::abs(bc));
            ASSERT_NEAR(out[at(i)], static_cast<double>(dx[at(i)] + term),
                        4 * kEpsilon<T> * static_cast<double>(size));
          }
        });
  }
}

}  // namespace
}  // namespace keel::kernels
