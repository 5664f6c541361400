// The logistic function and the hyperbolic tangent for loops that compilers turn into vectors: arithmetic and
// selections only. In float to a few units in the last place; in double as the standard library has them, for
// gradient checks.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/kernel.h"
#include "kernels/sigmoid.h"

namespace keel::kernels {
namespace {

// e^x between the smallest and the largest normal number, their values beyond; NaN stays NaN. x = n ln 2 + r:
// the polynomial in r is that of Cephes's expf (Moshier, netlib.org/cephes).
inline __attribute__((always_inline)) float bounded_exp(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  // Adding 1.5 * 2^23 leaves n in the lowest bits, rounded.
  constexpr float kRound = 12582912.0F;
  constexpr std::uint32_t kRoundBits = 0x4B400000, kBias = 127;
  const float shifted = x * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float power = p * r * r + r + 1.0F;
  const std::uint32_t exponent = __builtin_bit_cast(std::uint32_t, shifted) - kRoundBits + kBias;
  return power * __builtin_bit_cast(float, exponent << 23);
}

// 1 / (1 + e^-x)
inline __attribute__((always_inline)) float logistic(float x) {
  const float e = bounded_exp(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0F) / (1.0F + e);
}
inline double logistic(double x) { return sigmoid_of(x); }

// Near 0 the polynomial of Cephes's tanhf, as 1 - 2 / (e^2x + 1) has no correct digits there.
inline __attribute__((always_inline)) float hyperbolic_tangent(float x) {
  const float magnitude = x < 0 ? -x : x, s = x * x;
  float p = -5.70498872745e-3F;
  p = p * s + 2.06390887954e-2F;
  p = p * s - 5.37397155531e-2F;
  p = p * s + 1.33314422036e-1F;
  p = p * s - 3.33332819422e-1F;
  const float near = p * s * x + x;
  const float far = 1.0F - 2.0F / (bounded_exp(2.0F * magnitude) + 1.0F);
  return magnitude < 0.625F ? near : x < 0 ? -far : far;
}
inline double hyperbolic_tangent(double x) { return std::tanh(x); }

}  // namespace
}  // namespace keel::kernels
