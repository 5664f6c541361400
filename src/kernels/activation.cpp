#include "kernels/activation.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/sigmoid.h"

namespace keel::kernels::KEEL_ISA {
namespace {

constexpr Index kChunk = 1 << 15;  // elements: half of a level 2 cache of today with two operands

// Beyond this, e^-|x| is 0 in double: the functions below that multiply x by it have reached their limits,
// and an infinity would turn their 0 into NaN.
constexpr int kFar = 800;

template <class T>
T not_far_below(T x) {
  return x < -kFar ? T(-kFar) : x;
}
template <class T>
T not_far(T x) {
  return x > kFar ? T(kFar) : not_far_below(x);
}

// A function: its value and its slope at x, for constants a and b; kCost is the operations of an element.

template <class T>
struct LeakyRelu {
  static constexpr double kCost = 1;
  static T value(T x, T a, T) { return x > 0 ? x : a * x; }
  static T slope(T x, T a, T) { return x > 0 ? T(1) : a; }
};

template <class T>
struct Elu {
  static constexpr double kCost = 20;
  static T value(T x, T a, T b) { return x > 0 ? b * x : b * a * std::expm1(x); }
  static T slope(T x, T a, T b) { return x > 0 ? b : b * a * std::exp(x); }
};

template <class T>
struct Gelu {
  static constexpr double kCost = 40;
  // erfc, not 1 + erf: far below zero it keeps its digits.
  static T distribution(T x) { return T(0.5) * std::erfc(x * T(-0.70710678118654752440)); }
  static T density(T x) { return T(0.39894228040143267794) * std::exp(T(-0.5) * x * x); }
  static T value(T x, T, T) {
    const T near = not_far_below(x);
    return near * distribution(near);
  }
  static T slope(T x, T, T) {
    const T near = not_far(x);
    return distribution(near) + near * density(near);
  }
};

// (1 + tanh(u)) / 2 = sigmoid(2 u), which keeps its digits far below zero.
template <class T>
struct GeluTanh {
  static constexpr double kCost = 20;
  static constexpr T kScale = T(1.5957691216057307117);  // 2 sqrt(2 / pi)
  static constexpr T kCubic = T(0.044715);
  static T value(T x, T, T) {
    const T near = not_far_below(x);
    return near * sigmoid_of(kScale * near * (1 + kCubic * near * near));
  }
  static T slope(T x, T, T) {
    const T near = not_far(x), square = kCubic * near * near;
    const T s = sigmoid_of(kScale * near * (1 + square));
    return s + near * s * (1 - s) * kScale * (1 + 3 * square);
  }
};

template <class T>
struct Silu {
  static constexpr double kCost = 15;
  static T value(T x, T, T) {
    const T near = not_far_below(x);
    return near * sigmoid_of(near);
  }
  static T slope(T x, T, T) {
    const T near = not_far(x), s = sigmoid_of(near);
    return s * (1 + near * (1 - s));
  }
};

template <class T>
struct Softplus {
  static constexpr double kCost = 25;
  static T value(T x, T a, T b) {
    const T z = a * x;
    return z > b ? x : ((z > 0 ? z : T(0)) + std::log1p(std::exp(z > 0 ? -z : z))) / a;
  }
  static T slope(T x, T a, T b) {
    const T z = a * x;
    return z > b ? T(1) : sigmoid_of(z);
  }
};

template <class T>
struct HardSigmoid {
  static constexpr double kCost = 2;
  static T value(T x, T, T) {
    const T shifted = x + 3;
    return (shifted < 0 ? T(0) : shifted > 6 ? T(6) : shifted) / 6;
  }
  static T slope(T x, T, T) { return x > -3 && x < 3 ? T(1) / 6 : T(0); }
};

template <class T, class F>
void value_kernel(const T* x, T* y, Index n, double a, double b) {
  const T ta = static_cast<T>(a), tb = static_cast<T>(b);
  for_chunks(n, kChunk, static_cast<double>(n) * F::kCost, [&](Index begin, Index end, Index) {
    for (Index i = begin; i < end; ++i) y[i] = F::value(x[i], ta, tb);
  });
}

template <class T, class F>
void slope_kernel(const T* x, const T* dy, T* dx, Index n, double a, double b) {
  const T ta = static_cast<T>(a), tb = static_cast<T>(b);
  for_chunks(n, kChunk, static_cast<double>(n) * F::kCost, [&](Index begin, Index end, Index) {
    for (Index i = begin; i < end; ++i) dx[i] = dy[i] * F::slope(x[i], ta, tb);
  });
}

template <template <class> class F>
constexpr Entry<ActivationKernel> kValue = {value_kernel<float, F<float>>, value_kernel<double, F<double>>};
template <template <class> class F>
constexpr Entry<ActivationGradientKernel> kSlope = {slope_kernel<float, F<float>>,
                                                    slope_kernel<double, F<double>>};

}  // namespace

const Entry<ActivationKernel> leaky_relu = kValue<LeakyRelu>;
const Entry<ActivationGradientKernel> leaky_relu_gradient = kSlope<LeakyRelu>;
const Entry<ActivationKernel> elu = kValue<Elu>;
const Entry<ActivationGradientKernel> elu_gradient = kSlope<Elu>;
const Entry<ActivationKernel> gelu = kValue<Gelu>;
const Entry<ActivationGradientKernel> gelu_gradient = kSlope<Gelu>;
const Entry<ActivationKernel> gelu_tanh = kValue<GeluTanh>;
const Entry<ActivationGradientKernel> gelu_tanh_gradient = kSlope<GeluTanh>;
const Entry<ActivationKernel> silu = kValue<Silu>;
const Entry<ActivationGradientKernel> silu_gradient = kSlope<Silu>;
const Entry<ActivationKernel> softplus = kValue<Softplus>;
const Entry<ActivationGradientKernel> softplus_gradient = kSlope<Softplus>;
const Entry<ActivationKernel> hard_sigmoid = kValue<HardSigmoid>;
const Entry<ActivationGradientKernel> hard_sigmoid_gradient = kSlope<HardSigmoid>;

}  // namespace keel::kernels::KEEL_ISA
