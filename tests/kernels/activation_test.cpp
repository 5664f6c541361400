// Activation kernels against their formulas in long double, near zero and far out.
#include "kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/kernel_levels.h"

namespace keel::kernels {
namespace {

using testing::kEpsilon;
using testing::kInfinity;
using testing::kNaN;
using testing::kSizes;
using testing::normal_values;
using testing::on_every_level;
using testing::unwritten;
using Real = long double;

template <class T>
class Activations : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Activations, Types);

constexpr double kA = 1.25, kB = 0.75;  // exact in float

// A value or a slope, and what its rounding errors are relative to, as multiples of an epsilon.
struct Expected {
  Real value, size;
};

// What kernel(x) or kernel(x, dy) gives for x = scale times standard normal numbers, against f(x) dy.
template <class T, class Kernel, class F>
void check(const Kernel& kernel, const F& f) {
  for (const double scale : {0.1, 1.0, 30.0}) {
    for (const Index n : kSizes) {
      if (n > 1000 && scale != 1) continue;  // threads are tried once
      constexpr bool kIsGradient = std::is_same_v<Kernel, kernels::Kernel<ActivationGradientKernel>>;
      std::vector<T> x = normal_values<T>(n, 1);
      for (T& v : x) v *= static_cast<T>(scale);
      const std::vector<T> dy = kIsGradient ? normal_values<T>(n, 2) : std::vector<T>(x.size(), 1);
      std::vector<double> values, tolerances;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const Expected expected = f(static_cast<Real>(x[i]));
        values.push_back(static_cast<double>(dy[i] * expected.value));
        tolerances.push_back(std::abs(dy[i]) * kEpsilon<T> * static_cast<double>(expected.size) +
                             std::numeric_limits<T>::min());
      }
      on_every_level<T>(
          kernel, unwritten<T>(n),
          [&](auto* function, T* y) {
            if constexpr (kIsGradient) {
              function(x.data(), dy.data(), y, n, kA, kB);
            } else {
              function(x.data(), y, n, kA, kB);
            }
          },
          [&](const std::vector<T>& y) {
            for (std::size_t i = 0; i < y.size(); ++i) {
              ASSERT_NEAR(static_cast<double>(y[i]), values[i], tolerances[i]) << "at " << x[i];
            }
          });
    }
  }
}

Expected relative(Real value, Real roundings) { return {value, roundings * std::abs(value)}; }

// An exponential of z has z roundings of its argument in it.
Real roundings_of_exp(Real z) { return 4 + std::abs(z); }

Real sigmoid_of(Real x) { return 1 / (1 + std::exp(-x)); }
Real distribution(Real x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
Real density(Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L)); }
Real tanh_argument(Real x) { return 2 * std::sqrt(2 / std::acos(-1.0L)) * (x + 0.044715L * x * x * x); }

TYPED_TEST(Activations, PiecewiseLinear) {
  using T = TypeParam;
  constexpr Real a = kA;
  check<T>(leaky_relu, [](Real x) { return relative(x > 0 ? x : a * x, 1); });
  check<T>(leaky_relu_gradient, [](Real x) { return relative(x > 0 ? 1 : a, 1); });
  check<T>(hard_sigmoid, [](Real x) {
    const Real y = std::min(std::max(x + 3, 0.0L), 6.0L) / 6;
    return Expected{y, 2};
  });
  check<T>(hard_sigmoid_gradient, [](Real x) { return relative(std::abs(x) < 3 ? 1.0L / 6 : 0, 2); });
}

TYPED_TEST(Activations, Exponential) {
  using T = TypeParam;
  constexpr Real a = kA, b = kB;
  check<T>(elu, [](Real x) { return relative(b * (x > 0 ? x : a * std::expm1(x)), 4); });
  check<T>(elu_gradient, [](Real x) { return relative(b * (x > 0 ? 1 : a * std::exp(x)), 4); });
  // 1 + e^z rounds e^z to the digits of 1; log1p keeps small ones.
  check<T>(softplus, [](Real x) {
    const Real z = a * x;
    return relative(z > b ? x : std::log1p(std::exp(z)) / a, roundings_of_exp(z));
  });
  check<T>(softplus_gradient, [](Real x) {
    const Real z = a * x;
    return relative(z > b ? 1 : sigmoid_of(z), roundings_of_exp(z));
  });
}

TYPED_TEST(Activations, Gated) {
  using T = TypeParam;
  check<T>(silu, [](Real x) { return relative(x * sigmoid_of(x), 6); });
  check<T>(silu_gradient, [](Real x) {
    const Real s = sigmoid_of(x);
    return Expected{s * (1 + x * (1 - s)), 6 * s * (1 + std::abs(x))};
  });
  // The argument of erfc is rounded, and x^2 of it lands in the exponent.
  check<T>(gelu, [](Real x) { return relative(x * distribution(x), 6 + 2 * x * x); });
  check<T>(gelu_gradient, [](Real x) {
    const Real p = distribution(x), d = std::abs(x) * density(x);
    return Expected{p + x * density(x), (6 + 2 * x * x) * (p + d)};
  });
  check<T>(gelu_tanh, [](Real x) {
    const Real u = tanh_argument(x);
    return relative(x * sigmoid_of(u), 6 + 4 * std::abs(u));
  });
  check<T>(gelu_tanh_gradient, [](Real x) {
    const Real u = tanh_argument(x), s = sigmoid_of(u);
    const Real du = 2 * std::sqrt(2 / std::acos(-1.0L)) * (1 + 3 * 0.044715L * x * x);
    return Expected{s + x * s * (1 - s) * du, (6 + 4 * std::abs(u)) * s * (1 + std::abs(x) * du)};
  });
}

template <class T>
struct Point {
  T x, value, slope;
};

template <class T>
void check_points(const Kernel<ActivationKernel>& value, const Kernel<ActivationGradientKernel>& slope,
                  const std::vector<Point<T>>& points) {
  for (const Point<T>& point : points) {
    const T one = 1;
    const auto expect = [&](T expected) {
      return [&, expected](const std::vector<T>& y) {
        EXPECT_TRUE(y[0] == expected || (std::isnan(expected) && std::isnan(y[0])))
            << "at " << point.x << ": " << y[0] << " in place of " << expected;
      };
    };
    on_every_level<T>(
        value, unwritten<T>(1), [&](auto* f, T* y) { f(&point.x, y, 1, kA, kB); }, expect(point.value));
    on_every_level<T>(
        slope, unwritten<T>(1), [&](auto* f, T* dx) { f(&point.x, &one, dx, 1, kA, kB); },
        expect(point.slope));
  }
}

TYPED_TEST(Activations, AtTheEdges) {
  using T = TypeParam;
  constexpr T kInf = kInfinity<T>, kBad = kNaN<T>, kMost = std::numeric_limits<T>::max();
  constexpr T a = T(kA), b = T(kB);
  check_points<T>(leaky_relu, leaky_relu_gradient,
                  {{kInf, kInf, 1}, {-kInf, -kInf, a}, {0, 0, a}, {kBad, kBad, a}});
  check_points<T>(
      elu, elu_gradient,
      {{kInf, kInf, b}, {-kInf, -a * b, 0}, {-kMost, -a * b, 0}, {0, 0, a * b}, {kBad, kBad, kBad}});
  for (const auto& [value, slope] :
       {std::pair(&gelu, &gelu_gradient), {&gelu_tanh, &gelu_tanh_gradient}, {&silu, &silu_gradient}}) {
    check_points<T>(*value, *slope,
                    {{kInf, kInf, 1},
                     {kMost, kMost, 1},
                     {-kInf, 0, 0},
                     {-kMost, 0, 0},
                     {0, 0, T(0.5)},
                     {kBad, kBad, kBad}});
  }
  check_points<T>(softplus, softplus_gradient,
                  {{kInf, kInf, 1}, {kMost, kMost, 1}, {-kInf, 0, 0}, {-kMost, 0, 0}, {kBad, kBad, kBad}});
  check_points<T>(
      hard_sigmoid, hard_sigmoid_gradient,
      {{kInf, 1, 0}, {-kInf, 0, 0}, {3, 1, 0}, {-3, 0, 0}, {0, T(0.5), T(1) / 6}, {kBad, kBad, 0}});
}

}  // namespace
}  // namespace keel::kernels
