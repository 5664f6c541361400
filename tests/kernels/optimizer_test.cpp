// The update kernels against the formulas, one element at a time in long double, on sizes around vectors and
// chunks.
#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "keel/core/rng.h"

namespace keel::kernels {
namespace {

const Index kSizes[] = {1, 3, 17, 1001, 8192, 20011};

template <class T>
std::vector<T> draw(Index n, std::uint64_t stream, bool positive = false) {
  Rng rng(3, stream);
  std::vector<T> values;
  for (Index i = 0; i < n; ++i) {
    const double x = rng.normal();
    values.push_back(static_cast<T>(positive ? x * x + 0.01 : x));
  }
  return values;
}

// A few roundings of values of a size around 1, the largest of 20,000 normal ones being about 4.
template <class T>
constexpr double kTolerance = 16 * std::numeric_limits<T>::epsilon();

template <class T>
class UpdateKernels : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(UpdateKernels, Types);

TYPED_TEST(UpdateKernels, Adam) {
  using T = TypeParam;
  const AdamStep step{.beta1 = 0.75,  // exact in float, so that only the arithmetic is compared
                      .beta2 = 0.875,
                      .epsilon = 0.0625,
                      .l2 = 0.5,
                      .shrink = 0.9375,
                      .step_size = 0.25,
                      .v_correction = 1.5};
  for (const Index n : kSizes) {
    const std::vector<T> p = draw<T>(n, 1), m = draw<T>(n, 2), v = draw<T>(n, 3, true), g = draw<T>(n, 4);
    std::vector<T> p1 = p, m1 = m, v1 = v;
    const AdamSegment<T> segment{step, p1.data(), m1.data(), v1.data(), g.data(), n};
    adam_update(&segment, Index{1});
    for (std::size_t i = 0; i < p.size(); ++i) {
      const long double pi = 0.9375L * p[i];
      const long double gi = g[i] + 0.5L * pi;
      const long double mi = 0.75L * m[i] + 0.25L * gi;
      const long double vi = 0.875L * v[i] + 0.125L * gi * gi;
      const long double expected = pi - 0.25L * mi / (std::sqrt(vi) * 1.5L + 0.0625L);
      ASSERT_NEAR(m1[i], static_cast<double>(mi), kTolerance<T>) << "m, element " << i << " of " << n;
      ASSERT_NEAR(v1[i], static_cast<double>(vi), 4 * kTolerance<T>) << "v, element " << i << " of " << n;
      ASSERT_NEAR(p1[i], static_cast<double>(expected), kTolerance<T>) << "p, element " << i << " of " << n;
    }
  }
}

TYPED_TEST(UpdateKernels, Sgd) {
  using T = TypeParam;
  for (const bool nesterov : {false, true}) {
    const SgdStep step{.learning_rate = 0.25, .momentum = 0.75, .l2 = 0.5, .nesterov = nesterov};
    for (const Index n : kSizes) {
      const std::vector<T> p = draw<T>(n, 1), u = draw<T>(n, 2), g = draw<T>(n, 3);
      std::vector<T> p1 = p, u1 = u;
      const SgdSegment<T> segment{step, p1.data(), u1.data(), g.data(), n};
      sgd_update(&segment, Index{1});
      for (std::size_t i = 0; i < p.size(); ++i) {
        const long double gi = g[i] + 0.5L * p[i];
        const long double ui = 0.75L * u[i] + gi;
        const long double expected = p[i] - 0.25L * (nesterov ? gi + 0.75L * ui : ui);
        ASSERT_NEAR(u1[i], static_cast<double>(ui), kTolerance<T>) << "u, element " << i << " of " << n;
        ASSERT_NEAR(p1[i], static_cast<double>(expected), kTolerance<T>) << "p, element " << i << " of " << n;
      }
    }
  }
}

TYPED_TEST(UpdateKernels, SgdWithoutMomentumNeedsNoVelocity) {
  using T = TypeParam;
  const SgdStep step{.learning_rate = 0.25, .momentum = 0, .l2 = 0.5, .nesterov = false};
  for (const Index n : kSizes) {
    const std::vector<T> p = draw<T>(n, 1), g = draw<T>(n, 3);
    std::vector<T> p1 = p;
    const SgdSegment<T> segment{step, p1.data(), nullptr, g.data(), n};
    sgd_update(&segment, Index{1});
    for (std::size_t i = 0; i < p.size(); ++i) {
      ASSERT_NEAR(p1[i], static_cast<double>(p[i] - 0.25L * (g[i] + 0.5L * p[i])), kTolerance<T>)
          << "element " << i << " of " << n;
    }
  }
}

TYPED_TEST(UpdateKernels, RmsProp) {
  using T = TypeParam;
  for (const bool with_momentum : {false, true}) {
    const double momentum = with_momentum ? 0.75 : 0;
    const RmsPropStep step{
        .learning_rate = 0.25, .alpha = 0.875, .epsilon = 0.0625, .momentum = momentum, .l2 = 0.5};
    for (const Index n : kSizes) {
      const std::vector<T> p = draw<T>(n, 1), v = draw<T>(n, 2, true), u = draw<T>(n, 3), g = draw<T>(n, 4);
      std::vector<T> p1 = p, v1 = v, u1 = u;
      const RmsPropSegment<T> segment{step,     p1.data(), v1.data(), with_momentum ? u1.data() : nullptr,
                                      g.data(), n};
      rmsprop_update(&segment, Index{1});
      for (std::size_t i = 0; i < p.size(); ++i) {
        const long double gi = g[i] + 0.5L * p[i];
        const long double vi = 0.875L * v[i] + 0.125L * gi * gi;
        const long double ui = momentum * u[i] + gi / (std::sqrt(vi) + 0.0625L);
        ASSERT_NEAR(v1[i], static_cast<double>(vi), 4 * kTolerance<T>) << "v, element " << i << " of " << n;
        ASSERT_NEAR(u1[i], static_cast<double>(with_momentum ? ui : u[i]), kTolerance<T>)
            << "u, element " << i << " of " << n;
        ASSERT_NEAR(p1[i], static_cast<double>(p[i] - 0.25L * ui), kTolerance<T>)
            << "p, element " << i << " of " << n;
      }
    }
  }
}

// Segments of all sizes in one call, each with options of its own, give what calls of their own give.
TYPED_TEST(UpdateKernels, SegmentsDoNotTouchEachOther) {
  using T = TypeParam;
  std::vector<std::vector<T>> p, m, v, g;
  std::vector<AdamSegment<T>> adam;
  std::vector<SgdSegment<T>> sgd;
  for (const Index n : {3, 8192, 0, 20011, 1, 130000, 17}) {
    const std::uint64_t stream = 5 * p.size();
    p.push_back(draw<T>(n, stream + 1));
    m.push_back(draw<T>(n, stream + 2));
    v.push_back(draw<T>(n, stream + 3, true));
    g.push_back(draw<T>(n, stream + 4));
  }
  auto p1 = p, m1 = m, v1 = v;
  const auto make = [&](std::vector<std::vector<T>>& ps, auto& ms, auto& vs) {
    adam.clear();
    sgd.clear();
    for (std::size_t i = 0; i < ps.size(); ++i) {
      const double rate = 0.125 * static_cast<double>(i + 1);
      const Index n = static_cast<Index>(ps[i].size());
      adam.push_back({{.beta1 = 0.75,
                       .beta2 = 0.875,
                       .epsilon = 0.0625,
                       .l2 = rate,
                       .shrink = 1 - rate / 2,
                       .step_size = rate,
                       .v_correction = 1.5},
                      ps[i].data(),
                      ms[i].data(),
                      vs[i].data(),
                      g[i].data(),
                      n});
      sgd.push_back({{.learning_rate = rate, .momentum = 0.75, .l2 = rate, .nesterov = false},
                     ps[i].data(),
                     ms[i].data(),
                     g[i].data(),
                     n});
    }
  };
  make(p, m, v);
  adam_update(adam.data(), static_cast<Index>(adam.size()));
  sgd_update(sgd.data(), static_cast<Index>(sgd.size()));
  make(p1, m1, v1);
  for (const AdamSegment<T>& segment : adam) adam_update(&segment, Index{1});
  for (const SgdSegment<T>& segment : sgd) sgd_update(&segment, Index{1});
  EXPECT_EQ(p, p1);
  EXPECT_EQ(m, m1);
  EXPECT_EQ(v, v1);
}

// Seventeen elements: some in a vector, the last one in what is left.
constexpr Index kFew = 17;

TYPED_TEST(UpdateKernels, MomentsDecayToZeroAndNotIntoDenormals) {
  using T = TypeParam;
  const T smallest = std::numeric_limits<T>::min();
  const std::vector<T> zeros(kFew, 0);
  for (const T sign : {T(1), T(-1)}) {
    std::vector<T> p(kFew, 1), m(kFew, sign * smallest), v(kFew, smallest), u(kFew, sign * smallest);
    // Half of it is below the smallest normal number, and twice half of it is not.
    const AdamStep step{
        .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1e-8, .l2 = 0, .shrink = 1, .step_size = 1, .v_correction = 1};
    const AdamSegment<T> adam{step, p.data(), m.data(), v.data(), zeros.data(), kFew};
    const SgdSegment<T> sgd{{.learning_rate = 1, .momentum = 0.5, .l2 = 0, .nesterov = false},
                            p.data(),
                            u.data(),
                            zeros.data(),
                            kFew};
    adam_update(&adam, Index{1});
    sgd_update(&sgd, Index{1});
    EXPECT_EQ(m, zeros);
    EXPECT_EQ(v, zeros);
    EXPECT_EQ(u, zeros);
    EXPECT_EQ(p, std::vector<T>(kFew, 1));

    v.assign(kFew, smallest);
    u.assign(kFew, sign * smallest);
    const RmsPropSegment<T> rmsprop{
        {.learning_rate = 1, .alpha = 0.5, .epsilon = 1e-8, .momentum = 0.5, .l2 = 0},
        p.data(),
        v.data(),
        u.data(),
        zeros.data(),
        kFew};
    rmsprop_update(&rmsprop, Index{1});
    EXPECT_EQ(v, zeros);
    EXPECT_EQ(u, zeros);
    EXPECT_EQ(p, std::vector<T>(kFew, 1));

    m.assign(kFew, sign * 2 * smallest);
    u.assign(kFew, sign * 2 * smallest);
    v.assign(kFew, 2 * smallest);
    adam_update(&adam, Index{1});
    sgd_update(&sgd, Index{1});
    EXPECT_EQ(m, std::vector<T>(kFew, sign * smallest));
    EXPECT_EQ(v, std::vector<T>(kFew, smallest));
    EXPECT_EQ(u, std::vector<T>(kFew, sign * smallest));
  }
}

TYPED_TEST(UpdateKernels, WhatIsNotFiniteStays) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  for (const T bad : {nan, -nan, infinity, -infinity}) {
    std::vector<T> p(kFew, 1), m(kFew, 1), v(kFew, 1), u(kFew, 1);
    const std::vector<T> g(kFew, bad);
    const AdamSegment<T> adam{
        {.beta1 = 0.5, .beta2 = 0.5, .epsilon = 1, .l2 = 0, .shrink = 1, .step_size = 1, .v_correction = 1},
        p.data(),
        m.data(),
        v.data(),
        g.data(),
        kFew};
    std::vector<T> q(kFew, 1);
    const SgdSegment<T> sgd{{.learning_rate = 1, .momentum = 0.5, .l2 = 0, .nesterov = false},
                            q.data(),
                            u.data(),
                            g.data(),
                            kFew};
    adam_update(&adam, Index{1});
    sgd_update(&sgd, Index{1});
    for (std::size_t i = 0; i < kFew; ++i) {
      EXPECT_FALSE(std::isfinite(m[i]));
      EXPECT_FALSE(std::isfinite(v[i]));
      EXPECT_FALSE(std::isfinite(p[i]));
      EXPECT_FALSE(std::isfinite(u[i]));
      EXPECT_FALSE(std::isfinite(q[i]));
    }
  }
}

}  // namespace
}  // namespace keel::kernels
