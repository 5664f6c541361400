#include "keel/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "kernels/philox.h"
#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

// The known answers that the authors publish with their generator (Random123, kat_vectors, philox4x32 10).
TEST(Philox, GivesThePublishedAnswers) {
  struct Answer {
    std::uint64_t seed, stream, block;  // key; upper and lower half of the counter
    std::uint32_t expected[4];
  };
  const Answer answers[] = {
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {~0ULL, ~0ULL, ~0ULL, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x299f31d0a4093822,
       0x0370734413198a2e,
       0x85a308d3243f6a88,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Answer& a : answers) {
    const kernels::PhiloxBlock found = kernels::philox(a.seed, a.stream, a.block);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(found.value[i], a.expected[i]) << "number " << i;
  }
}

TEST(Rng, NumbersAreThoseOfThePhiloxBlocksInOrder) {
  Rng rng(0, std::uint64_t{0});
  for (std::uint64_t block = 0; block < 3; ++block) {
    const kernels::PhiloxBlock expected = kernels::philox(0, 0, block);
    for (const std::uint32_t value : expected.value) EXPECT_EQ(rng.next_u32(), value);
  }
  Rng wide(0, std::uint64_t{0});
  EXPECT_EQ(wide.next_u64(), 0xe169c58d6627e8d5);  // the first number is the lower half
}

TEST(Rng, AnyPositionCanBeReachedAtOnce) {
  Rng rng(7, Stream::test);
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 23; ++i) numbers.push_back(rng.next_u32());
  EXPECT_EQ(rng.position(), 23U);
  for (const std::uint64_t position : {0, 3, 4, 5, 11, 22, 1}) {
    rng.set_position(position);
    EXPECT_EQ(rng.next_u32(), numbers[position]) << position;
    EXPECT_EQ(rng.position(), position + 1);
  }
  Rng fresh(7, Stream::test);
  fresh.set_position(17);
  EXPECT_EQ(fresh.next_u32(), numbers[17]);
}

TEST(Rng, EveryDistributionIsAFunctionOfThePosition) {
  Rng a(7, Stream::test), b(7, Stream::test);
  a.normal();
  b.set_position(a.position());
  EXPECT_EQ(a.normal(), b.normal());
  EXPECT_EQ(a.uniform(), b.uniform());
  EXPECT_EQ(a.below(1000), b.below(1000));
}

TEST(Rng, StreamsSeedsAndSubstreamsAreDifferentSequences) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t stream = 0; stream < 10; ++stream) {
      Rng rng(seed, stream);
      firsts.insert(rng.next_u64());
      for (std::uint64_t index = 0; index < 10; ++index) firsts.insert(rng.substream(index).next_u64());
    }
  }
  EXPECT_EQ(firsts.size(), 1100U);
}

TEST(Rng, ASubstreamDoesNotDependOnWhatWasDrawn) {
  Rng rng(3, Stream::dropout);
  const std::uint32_t before = rng.substream(5).next_u32();
  rng.next_u32();
  EXPECT_EQ(rng.substream(5).next_u32(), before);
  EXPECT_EQ(rng.substream(5).position(), 0U);
  EXPECT_EQ(rng.substream(5).seed(), 3U);
}

TEST(Rng, DrawingFromOneStreamDoesNotMoveAnother) {
  Rng shuffle(1, Stream::shuffle);
  const std::uint32_t expected = Rng(1, Stream::shuffle).next_u32();
  Rng dropout(1, Stream::dropout);
  for (int i = 0; i < 5; ++i) dropout.next_u32();
  EXPECT_EQ(shuffle.next_u32(), expected);
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

// Intervals below are five standard deviations of the estimate, sd / sqrt(n): right numbers are outside them
// once in 1.7 million draws of a seed, and the seed is fixed.
constexpr int kDraws = 100000;
const double kRoot = std::sqrt(static_cast<double>(kDraws));

TEST(Rng, NeighbouringStreamsAreUncorrelated) {
  std::vector<double> a, b, next;
  Rng first(11, std::uint64_t{1}), second(11, std::uint64_t{2});
  for (int i = 0; i < kDraws; ++i) {
    a.push_back(first.normal());
    b.push_back(second.normal());
  }
  // The product of two independent standard normal numbers has mean 0 and variance 1.
  EXPECT_NEAR(correlation(a, b), 0, 5 / kRoot);
  std::vector<double> shifted(a.begin() + 1, a.end());
  shifted.push_back(a.front());
  EXPECT_NEAR(correlation(a, shifted), 0, 5 / kRoot);
}

TEST(Rng, UniformHasTheRightMomentsAndRange) {
  Rng rng(1, Stream::test);
  double sum = 0, squares = 0, low = 1, high = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    squares += u * u;
    low = std::min(low, u);
    high = std::max(high, u);
  }
  // Variance of u: 1/12. Of u^2: 1/5 - 1/9 = 4/45.
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12) / kRoot);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45) / kRoot);
  // P(no number in a tenth of a thousandth) = (1 - 1e-4)^1e5 = 4.5e-5.
  EXPECT_LT(low, 1e-4);
  EXPECT_GT(high, 1 - 1e-4);
  for (int i = 0; i < 1000; ++i) {
    const double v = rng.uniform(-3, 5);
    ASSERT_TRUE(v >= -3 && v < 5);
  }
}

TEST(Rng, UniformFillsEveryBinAlike) {
  // Chi-squared over 64 bins: mean 63, variance 126.
  Rng rng(2, Stream::test);
  std::vector<int> bins(64);
  for (int i = 0; i < kDraws; ++i) ++bins[static_cast<std::size_t>(rng.uniform() * 64)];
  const double expected = kDraws / 64.0;
  double chi = 0;
  for (const int count : bins) chi += (count - expected) * (count - expected) / expected;
  EXPECT_NEAR(chi, 63, 5 * std::sqrt(126.0));
}

TEST(Rng, NormalHasTheRightMoments) {
  Rng rng(1, Stream::test);
  double moments[5] = {}, beyond = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    double power = 1;
    for (double& moment : moments) {
      moment += power / kDraws;
      power *= x;
    }
    beyond += std::abs(x) > 2 ? 1.0 / kDraws : 0;
  }
  // Moments of the standard normal: 0, 1, 0, 3; variance of x^k is E x^2k - (E x^k)^2.
  EXPECT_NEAR(moments[1], 0, 5 / kRoot);
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0) / kRoot);
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0) / kRoot);
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0) / kRoot);
  const double p = std::erfc(2 / std::sqrt(2.0));
  EXPECT_NEAR(beyond, p, 5 * std::sqrt(p * (1 - p)) / kRoot);
}

TEST(Rng, BelowIsUnbiased) {
  // Each of n values has a binomial count: mean draws / n, variance draws (1/n)(1 - 1/n).
  for (const Index n : {2, 3, 10}) {
    Rng rng(4, Stream::test);
    std::vector<int> counts(static_cast<std::size_t>(n));
    for (int i = 0; i < kDraws; ++i) {
      const Index v = rng.below(n);
      ASSERT_TRUE(v >= 0 && v < n);
      ++counts[static_cast<std::size_t>(v)];
    }
    const double p = 1 / static_cast<double>(n);
    for (const int count : counts) EXPECT_NEAR(count, kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)));
  }
  Rng rng(4, Stream::test);
  EXPECT_EQ(rng.below(1), 0);
}

TEST(Rng, BelowDrawsAgainWhereTheRemainderWouldFavourSmallNumbers) {
  // 2^64 is 2 * (3 * 2^61) + 2^62: by a plain modulo, of the three runs of 2^61 values the first two would
  // come with probability 3/8 each. All three are equally likely.
  constexpr Index kBound = 3 * (Index{1} << 61);
  Rng rng(5, Stream::test);
  int small = 0;
  for (int i = 0; i < kDraws; ++i) small += rng.below(kBound) < (Index{1} << 61);
  EXPECT_NEAR(small, kDraws / 3.0, 5 * std::sqrt(kDraws * 2.0 / 9));
}

TEST(Rng, BelowRejectsBoundsWithoutANumber) {
  Rng rng(1, Stream::test);
  EXPECT_EQ(message_of<ValueError>([&] { rng.below(0); }),
            "[rng] below() expects a bound of at least 1, found 0");
  EXPECT_EQ(message_of<ValueError>([&] { rng.below(-4); }),
            "[rng] below() expects a bound of at least 1, found -4");
}

TEST(Rng, ShuffleIsAPermutationAndAlwaysTheSameOne) {
  std::vector<std::int32_t> order(10);
  std::iota(order.begin(), order.end(), 0);
  Rng(1, Stream::shuffle).shuffle(order);
  // Worked out by another program from the definitions; a change here changes every recorded training run.
  EXPECT_EQ(order, (std::vector<std::int32_t>{1, 0, 4, 8, 6, 7, 5, 3, 2, 9}));

  std::vector<std::int32_t> many(1000);
  std::iota(many.begin(), many.end(), 0);
  Rng(2, Stream::shuffle).shuffle(many);
  EXPECT_FALSE(std::is_sorted(many.begin(), many.end()));
  std::sort(many.begin(), many.end());
  for (std::int32_t i = 0; i < 1000; ++i) ASSERT_EQ(many[static_cast<std::size_t>(i)], i);
  Rng rng(3, Stream::shuffle);
  rng.shuffle({});
  EXPECT_EQ(rng.position(), 0U);
}

TEST(Rng, ShuffleReachesEveryOrderAlike) {
  // The 24 orders of four things: chi-squared with 23 degrees of freedom, mean 23, variance 46.
  std::vector<int> counts(256);
  Rng rng(6, Stream::shuffle);
  constexpr int kShuffles = 24000;
  for (int i = 0; i < kShuffles; ++i) {
    std::int32_t v[4] = {0, 1, 2, 3};
    rng.shuffle(v);
    ++counts[static_cast<std::size_t>(v[0] * 64 + v[1] * 16 + v[2] * 4 + v[3])];
  }
  double chi = 0;
  int orders = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    ++orders;
    chi += (count - kShuffles / 24.0) * (count - kShuffles / 24.0) / (kShuffles / 24.0);
  }
  EXPECT_EQ(orders, 24);
  EXPECT_NEAR(chi, 23, 5 * std::sqrt(46.0));
}

}  // namespace
}  // namespace keel
