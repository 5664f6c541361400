// The kernels of Group Normalization against the formulas in long double, at every level.
#include "kernels/group_norm.h"

#include <gtest/gtest.h>

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
class GroupNorm : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(GroupNorm, Types);

// Groups below, at and above a vector's length, rows beyond the longest sum in T, images of parts of blocks;
// the last ones are worth several threads.
const GroupNormSizes kSizesOfGroups[] = {
    {1, 1, 1, 2, true},   {3, 1, 2, 7, true},      {5, 1, 3, 16, true},    {4, 1, 1, 17, true},
    {2, 1, 2, 63, true},  {3, 1, 1, 66, true},     {2, 1, 1, 17001, true}, {700, 1, 3, 35, true},
    {3, 2, 1, 1, true},   {2, 5, 3, 1, true},      {3, 7, 2, 5, true},     {2, 300, 1, 33, true},
    {5, 30, 4, 16, true}, {1100, 1, 1, 512, true}, {70, 101, 8, 4, true}};
constexpr double kAdded = 1e-3;  // epsilon

std::size_t at(Index i) { return static_cast<std::size_t>(i); }
Index channels_of(const GroupNormSizes& s) { return s.groups * s.width; }
Index size_of(const GroupNormSizes& s) { return s.outer * s.positions * channels_of(s); }

// Element i of a group, in x.
Index element(const GroupNormSizes& s, Index o, Index g, Index i) {
  return (o * s.positions + i / s.width) * channels_of(s) + g * s.width + i % s.width;
}

// The formulas, line by line.
template <class T>
struct Reference {
  Reference(const std::vector<T>& x, const std::vector<T>& dy, const std::vector<T>& gamma,
            const std::vector<T>& beta, const GroupNormSizes& s)
      : y(x.size()), dx(x.size()), dgamma(gamma.size()), dbeta(gamma.size()) {
    const Index size = s.positions * s.width;
    const auto n = static_cast<long double>(size);
    for (Index set = 0; set < s.outer * s.groups; ++set) {
      const Index o = set / s.groups, g = set % s.groups;
      const auto in = [&](Index i) { return at(element(s, o, g, i)); };
      const auto channel = [&](Index i) { return at(g * s.width + i % s.width); };
      long double mean = 0, variance = 0, sum_d = 0, sum_d_xhat = 0;
      for (Index i = 0; s.subtract_mean && i < size; ++i) mean += x[in(i)] / n;
      for (Index i = 0; i < size; ++i) variance += (x[in(i)] - mean) * (x[in(i)] - mean) / n;
      const long double inverse = 1 / std::sqrt(variance + static_cast<long double>(kAdded));
      statistics.push_back(static_cast<double>(mean));
      statistics.push_back(static_cast<double>(inverse));
      for (Index i = 0; i < size; ++i) {
        const long double xhat = (x[in(i)] - mean) * inverse, d = gamma[channel(i)] * dy[in(i)];
        y[in(i)] = xhat * gamma[channel(i)] + beta[channel(i)];
        dgamma[channel(i)] += dy[in(i)] * xhat;
        dbeta[channel(i)] += dy[in(i)];
        sum_d += d;
        sum_d_xhat += d * xhat;
      }
      if (!s.subtract_mean) sum_d = 0;
      for (Index i = 0; i < size; ++i) {
        const long double xhat = (x[in(i)] - mean) * inverse, d = gamma[channel(i)] * dy[in(i)];
        dx[in(i)] = inverse * (d - sum_d / n - xhat * sum_d_xhat / n);
      }
    }
  }
  std::vector<long double> y, dx, dgamma, dbeta;
  std::vector<double> statistics;
};

template <class T>
struct Work {
  explicit Work(const GroupNormSizes& s)
      : sums(at(kThreads * group_norm_room(s))), numbers(at(2 * kThreads * group_norm_room(s))) {}
  GroupNormRoom<T> room() { return {sums.data(), numbers.data(), kThreads}; }
  static constexpr int kThreads = 3;
  std::vector<double> sums;
  std::vector<T> numbers;
};

template <class T>
void expect_near(const std::vector<T>& found, const std::vector<long double>& expected, double tolerance,
                 const std::string& what) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(found[i]), static_cast<double>(expected[i]), tolerance)
        << what << ", element " << i;
  }
}

template <class F>
void for_all_sizes(const F& f) {
  for (GroupNormSizes s : kSizesOfGroups) {
    for (const bool subtract_mean : {true, false}) {
      s.subtract_mean = subtract_mean;
      f(s, std::to_string(s.outer) + " x " + std::to_string(s.positions) + " x " + std::to_string(s.groups) +
               " x " + std::to_string(s.width) + (subtract_mean ? "" : " without the mean"));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

template <class T>
std::vector<T> shifted(Index n, std::uint64_t stream) {
  std::vector<T> values = normal_values<T>(n, stream);
  for (T& value : values) value += T(0.5);
  return values;
}

TYPED_TEST(GroupNorm, NormalisesEachGroup) {
  using T = TypeParam;
  for_all_sizes([](const GroupNormSizes& s, const std::string& what) {
    const std::vector<T> x = shifted<T>(size_of(s), 1), dy(x.size());
    const std::vector<T> gamma = normal_values<T>(channels_of(s), 2),
                         beta = normal_values<T>(channels_of(s), 3);
    const Reference<T> expected(x, dy, gamma, beta, s);
    on_every_level<T>(
        group_norm, unwritten<T>(size_of(s)),
        [&](auto* f, T* y) {
          Work<T> work(s);
          std::vector<double> statistics(expected.statistics.size(), -1);
          f(x.data(), gamma.data(), beta.data(), kAdded, work.room(), statistics.data(), y, s);
          for (std::size_t i = 0; i < statistics.size(); ++i) {
            const double size = std::max(1.0, std::abs(expected.statistics[i]));
            ASSERT_NEAR(statistics[i], expected.statistics[i], 4 * kEpsilon<T> * size) << what;
          }
        },
        [&](const std::vector<T>& y) { expect_near(y, expected.y, 40 * kEpsilon<T>, what); });
  });
}

TYPED_TEST(GroupNorm, GradientsOfEachGroupAndOfAllTogether) {
  using T = TypeParam;
  for_all_sizes([](const GroupNormSizes& s, const std::string& what) {
    const Index n = size_of(s), channels = channels_of(s);
    const std::vector<T> x = shifted<T>(n, 1), dy = normal_values<T>(n, 4);
    const std::vector<T> gamma = normal_values<T>(channels, 2);
    const Reference<T> expected(x, dy, gamma, gamma, s);
    double largest = 1;  // 1 / sqrt(variance + epsilon)
    for (const double value : expected.statistics) largest = std::max(largest, value);
    on_every_level<T>(
        group_norm_gradient, unwritten<T>(n + 2 * channels),
        [&](auto* f, T* out) {
          Work<T> work(s);
          const Index chunk = group_norm_chunk(s), chunks = (s.outer + chunk - 1) / chunk;
          std::vector<double> partial(at(2 * chunks * channels) + 8, -1);
          f(x.data(), dy.data(), gamma.data(), expected.statistics.data(), work.room(), partial.data(),
            {out, out + n, out + n + channels}, s);
          for (std::size_t i = partial.size() - 8; i < partial.size(); ++i) EXPECT_EQ(partial[i], -1);
          // What is wanted changes nothing about the rest.
          std::vector<T> dx(at(n)), dgamma(at(channels)), dbeta(at(channels));
          f(x.data(), dy.data(), gamma.data(), expected.statistics.data(), work.room(), nullptr,
            {dx.data(), nullptr, nullptr}, s);
          EXPECT_TRUE(testing::same_bits(dx, std::vector<T>(out, out + n))) << what;
          f(x.data(), dy.data(), gamma.data(), expected.statistics.data(), work.room(), partial.data(),
            {nullptr, dgamma.data(), dbeta.data()}, s);
          EXPECT_TRUE(testing::same_bits(dgamma, std::vector<T>(out + n, out + n + channels))) << what;
          EXPECT_TRUE(testing::same_bits(dbeta, std::vector<T>(out + n + channels, out + n + 2 * channels)));
        },
        [&](const std::vector<T>& out) {
          const auto part = [&](Index begin, Index end) {
            return std::vector<T>(out.begin() + begin, out.begin() + end);
          };
          expect_near(part(0, n), expected.dx, 30 * kEpsilon<T> * largest, what + ": dx");
          const double terms = std::sqrt(static_cast<double>(s.outer * s.positions));
          expect_near(part(n, n + channels), expected.dgamma, 20 * kEpsilon<T> * terms * largest,
                      what + ": dgamma");
          expect_near(part(n + channels, n + 2 * channels), expected.dbeta, 20 * kEpsilon<T> * terms,
                      what + ": dbeta");
        });
  });
}

}  // namespace
}  // namespace keel::kernels
