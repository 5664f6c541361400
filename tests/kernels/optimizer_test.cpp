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
    adam_update(step, p1.data(), m1.data(), v1.data(), g.data(), n);
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
      sgd_update(step, p1.data(), u1.data(), g.data(), n);
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
    sgd_update(step, p1.data(), static_cast<T*>(nullptr), g.data(), n);
    for (std::size_t i = 0; i < p.size(); ++i) {
      ASSERT_NEAR(p1[i], static_cast<double>(p[i] - 0.25L * (g[i] + 0.5L * p[i])), kTolerance<T>)
          << "element " << i << " of " << n;
    }
  }
}

}  // namespace
}  // namespace keel::kernels
