// The kernels of batch normalisation against the formulas in long double.
#include "kernels/batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

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
// Around vectors and blocks of 64 elements, which hold several rows of few channels and parts of a row of
// many, and around chunks of at least 64 rows and about 16384 elements; the last ones are worth several
// threads.
const Extents kExtents[] = {{1, 1},     {1, 65},     {2, 3},     {3, 17},  {7, 8},    {255, 3},
                            {256, 1},   {257, 5},    {16385, 1}, {17, 63}, {513, 65}, {100, 130},
                            {33, 10},   {600, 33},   {130, 16},  {9, 48},  {513, 32}, {70, 1000},
                            {8003, 64}, {5003, 100}, {100003, 3}};

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

// Five rows of maps in one vector.
template <class T>
ChannelMaps<T> maps_in(T* rows, Index channels) {
  const Index size = channels + kBatchNormPad;
  return {rows, rows + size, rows + 2 * size, rows + 3 * size, rows + 4 * size};
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
          channel_maps, unwritten<T>(5 * (channels + kBatchNormPad)),
          [&](auto* f, T* out) {
            f(mean.data(), variance.data(), affine ? gamma.data() : nullptr, affine ? beta.data() : nullptr,
              1e-3, maps_in(out, channels), channels);
          },
          [&](const std::vector<T>& out) {
            const Index size = channels + kBatchNormPad;
            const auto value = [&](Index map, Index c) {
              return static_cast<long double>(out[at(map * size + c)]);
            };
            for (Index c = 0; c < size; ++c) {
              const std::size_t channel = at(c % channels);  // the first ones come again behind the last
              const long double g = affine ? gamma[channel] : 1, b = affine ? beta[channel] : 0;
              const long double deviation = std::sqrt(variance[channel] + 1e-3L);
              // At a distance of one from the mean, which the centre alone would miss by half an epsilon of
              // 1000.
              const long double d = mean[channel] + 1 - value(0, c);
              const long double magnitude = std::abs(g / deviation) + std::abs(b);
              EXPECT_NEAR(static_cast<double>(d * value(1, c) + value(2, c)),
                          static_cast<double>(g / deviation + b),
                          2 * kEpsilon<T> * static_cast<double>(magnitude));
              EXPECT_NEAR(static_cast<double>(d * value(3, c) + value(4, c)),
                          static_cast<double>(1 / deviation),
                          2 * kEpsilon<T> * static_cast<double>(1 / deviation));
            }
          });
    }
  }
}

// Rows of numbers of the channels, the first ones repeated behind the last.
template <class T>
std::vector<T> channel_rows(Index rows, Index channels, std::uint64_t stream) {
  const Index size = channels + kBatchNormPad;
  std::vector<T> values = normal_values<T>(rows * size, stream);
  for (Index i = 0; i < rows * size; ++i) {
    if (i % size >= channels) values[at(i)] = values[at(i - i % size + i % size % channels)];
  }
  return values;
}

template <class T>
struct Maps {
  explicit Maps(Index channels)
      : values(channel_rows<T>(5, channels, 9)), maps(maps_in(values.data(), channels)) {}
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;
  long double y(T x, Index c) const {
    return (static_cast<long double>(x) - maps.centre[c]) * maps.scale[c] + maps.shift[c];
  }
  long double xhat(T x, Index c) const {
    return (static_cast<long double>(x) - maps.centre[c]) * maps.inverse_deviation[c] + maps.correction[c];
  }
  // What the roundings of y() and xhat() are relative to.
  long double size_of_y(T x, Index c) const {
    return distance(x, c) * std::abs(maps.scale[c]) + std::abs(maps.shift[c]);
  }
  long double size_of_xhat(T x, Index c) const {
    return distance(x, c) * std::abs(maps.inverse_deviation[c]) + std::abs(maps.correction[c]);
  }
  long double distance(T x, Index c) const {
    return std::abs(static_cast<long double>(x)) + std::abs(maps.centre[c]);
  }
  // Whether y is so near 0 that rounding decides what ReLU does to a gradient.
  bool on_the_edge(T x, Index c) const { return std::abs(y(x, c)) <= 2 * kEpsilon<T> * size_of_y(x, c); }
  std::vector<T> values;
  ChannelMaps<T> maps;
};

TYPED_TEST(BatchNorm, NormalizeAppliesTheMapsOfTheColumn) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.rows * e.channels, 1);
    const Maps<T> maps(e.channels);
    for (const bool relu : {false, true}) {
      on_every_level<T>(
          normalize, unwritten<T>(e.rows * e.channels),
          [&](auto* f, T* y) { f(x.data(), maps.maps, relu, y, e.rows, e.channels); },
          [&](const std::vector<T>& y) {
            for (Index i = 0; i < e.rows * e.channels; ++i) {
              const Index c = i % e.channels;
              const double expected = static_cast<double>(maps.y(x[at(i)], c));
              ASSERT_NEAR(y[at(i)], relu && expected < 0 ? 0 : expected,
                          2 * kEpsilon<T> * static_cast<double>(maps.size_of_y(x[at(i)], c)))
                  << e.rows << " rows, channel " << c;
            }
          });
    }
  }
}

// slope and offset must be such that dx = scale * (d - mean(d) - xhat * mean(d * xhat)).
template <class T>
void check_terms(const std::vector<T>& out, const std::vector<T>& x, const std::vector<T>& dy,
                 const Maps<T>& maps, bool relu, const Extents& e, Index c) {
  long double sum = 0, sum_xhat = 0, size = 0, size_xhat = 0;
  for (Index i = c; i < e.rows * e.channels; i += e.channels) {
    size += std::abs(dy[at(i)]);
    size_xhat += std::abs(dy[at(i)]) * maps.size_of_xhat(x[at(i)], c);
    if (relu && maps.on_the_edge(x[at(i)], c)) return;  // a rare channel that says nothing
    if (relu && maps.y(x[at(i)], c) <= 0) continue;
    sum += dy[at(i)];
    sum_xhat += dy[at(i)] * maps.xhat(x[at(i)], c);
  }
  // Chunks are added up in T: half an epsilon of the partial sum each time, and those wander like the square
  // root of their length; 16 is that of 256.
  const double unit = 16 * kEpsilon<T>;
  const double near = unit * static_cast<double>(size), near_xhat = unit * static_cast<double>(size_xhat);
  const Index row = e.channels + kBatchNormPad;
  const T* const terms = out.data() + c;
  const std::string where = std::to_string(e.rows) + " rows, channel " + std::to_string(c);
  ASSERT_NEAR(terms[0], static_cast<double>(sum), near) << where;
  ASSERT_NEAR(terms[row], static_cast<double>(sum_xhat), near_xhat) << where;
  const auto n = static_cast<double>(e.rows);
  const double inverse_deviation = maps.maps.inverse_deviation[c], correction = maps.maps.correction[c];
  const double mean = static_cast<double>(sum) / n, mean_xhat = static_cast<double>(sum_xhat) / n;
  ASSERT_NEAR(terms[2 * row], -mean_xhat * inverse_deviation, near_xhat / n * std::abs(inverse_deviation))
      << where;
  ASSERT_NEAR(terms[3 * row], -(mean + mean_xhat * correction), (near + near_xhat * std::abs(correction)) / n)
      << where;
}

// Four rows of terms in one vector.
template <class T>
BatchNormTerms<T> terms_in(T* rows, Index channels) {
  const Index size = channels + kBatchNormPad;
  return {rows, rows + size, rows + 2 * size, rows + 3 * size};
}

TYPED_TEST(BatchNorm, SumsOfTheGradient) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const std::vector<T> x = normal_values<T>(e.rows * e.channels, 1),
                         dy = normal_values<T>(e.rows * e.channels, 2);
    const Maps<T> maps(e.channels);
    for (const bool relu : {false, true}) {
      on_every_level<T>(
          batch_norm_sums, unwritten<T>(4 * (e.channels + kBatchNormPad)),
          [&](auto* f, T* out) {
            std::vector<double> partial(at(batch_norm_partials(e.rows, e.channels)) + 8, -1.0);
            f(x.data(), dy.data(), maps.maps, relu, partial.data(), terms_in(out, e.channels), e.rows,
              e.channels);
            for (std::size_t i = partial.size() - 8; i < partial.size(); ++i) EXPECT_EQ(partial[i], -1.0);
          },
          [&](const std::vector<T>& out) {
            for (Index c = 0; c < e.channels; ++c) check_terms(out, x, dy, maps, relu, e, c);
          });
    }
  }
}

TYPED_TEST(BatchNorm, GradientOfTheInput) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const Index n = e.rows * e.channels;
    const std::vector<T> x = normal_values<T>(n, 1), dy = normal_values<T>(n, 2);
    std::vector<T> values = channel_rows<T>(4, e.channels, 4);
    const BatchNormTerms<T> terms = terms_in(values.data(), e.channels);
    const Maps<T> maps(e.channels);
    for (const bool relu : {false, true}) {
      on_every_level<T>(
          batch_norm_gradient, unwritten<T>(n),
          [&](auto* f, T* out) { f(x.data(), dy.data(), maps.maps, relu, terms, out, e.rows, e.channels); },
          [&](const std::vector<T>& out) {
            for (Index i = 0; i < n; ++i) {
              const Index c = i % e.channels;
              if (relu && maps.on_the_edge(x[at(i)], c)) continue;
              const long double factor = maps.maps.scale[c], slope = terms.slope[c], offset = terms.offset[c];
              const long double d = relu && maps.y(x[at(i)], c) <= 0 ? 0 : dy[at(i)];
              const long double exact =
                  factor * (d + (static_cast<long double>(x[at(i)]) - maps.maps.centre[c]) * slope + offset);
              const long double size =
                  std::abs(factor) *
                  (std::abs(d) + maps.distance(x[at(i)], c) * std::abs(slope) + std::abs(offset));
              ASSERT_NEAR(out[at(i)], static_cast<double>(exact), 4 * kEpsilon<T> * static_cast<double>(size))
                  << e.rows << " rows, channel " << c;
            }
          });
    }
  }
}

// Channels whose y is 0 but for rounding, in every second row: the sign of what is left must be the one that
// went forward, at every level and in every piece of a row.
TYPED_TEST(BatchNorm, TheGradientPassesWhereTheForwardPassDid) {
  using T = TypeParam;
  for (const Extents& e : kExtents) {
    const Index n = e.rows * e.channels;
    Maps<T> maps(e.channels);
    std::vector<T> x = normal_values<T>(n, 1);
    for (Index i = 0; i < n; ++i) {
      const Index c = i % e.channels;
      if (i / e.channels % 2 == 0) x[at(i)] = maps.maps.centre[c] - maps.maps.shift[c] / maps.maps.scale[c];
    }
    const std::vector<T> dy(at(n), T(1));
    std::vector<T> zeros(at(4 * (e.channels + kBatchNormPad)));
    for (int level = 0; level <= best_isa_level(); ++level) {
      std::vector<T> y(at(n)), dx(at(n));
      testing::function_for<T> (*normalize.levels[level])(x.data(), maps.maps, false, y.data(), e.rows,
                                                          e.channels);
      testing::function_for<T> (*batch_norm_gradient.levels[level])(x.data(), dy.data(), maps.maps, true,
                                                                    terms_in(zeros.data(), e.channels),
                                                                    dx.data(), e.rows, e.channels);
      for (Index i = 0; i < n; ++i) {
        const T expected = y[at(i)] > 0 ? maps.maps.scale[i % e.channels] : T(0);
        ASSERT_EQ(dx[at(i)], expected) << kIsaNames[level] << ", y = " << y[at(i)];
      }
      // The sums of the same: with dy = 1 they count.
      std::vector<double> partial(at(batch_norm_partials(e.rows, e.channels)));
      testing::function_for<T> (*batch_norm_sums.levels[level])(
          x.data(), dy.data(), maps.maps, true, partial.data(), terms_in(zeros.data(), e.channels), e.rows,
          e.channels);
      for (Index c = 0; c < e.channels; ++c) {
        Index passed = 0;
        for (Index i = c; i < n; i += e.channels) passed += y[at(i)] > 0;
        ASSERT_EQ(zeros[at(c)], static_cast<T>(passed)) << kIsaNames[level] << ", channel " << c;
      }
      std::fill(zeros.begin(), zeros.end(), T(0));
    }
  }
}

}  // namespace
}  // namespace keel::kernels
