// Test inputs.
#pragma once

#include "keel/core/rng.h"
#include "keel/core/tensor.h"

namespace keel::testing {

// Standard normal numbers, float64 unless asked otherwise. Different seeds give independent tensors.
inline Tensor random_tensor(const Shape& shape, std::uint64_t seed = 1, DType dtype = DType::float64) {
  Rng rng(seed, Stream::test);
  Tensor result = Tensor::empty(shape, DType::float64);
  for (Index i = 0; i < result.numel(); ++i) result.data<double>()[i] = rng.normal();
  return result.to(dtype);
}

// Numbers whose absolute values lie in [low, high), of both signs unless told: away from kinks, roots and
// poles.
inline Tensor random_away_from_zero(const Shape& shape, double low, double high, std::uint64_t seed = 1,
                                    bool both_signs = true) {
  Rng rng(seed, Stream::test);
  Tensor result = Tensor::empty(shape, DType::float64);
  for (Index i = 0; i < result.numel(); ++i) {
    const double size = rng.uniform(low, high);
    result.data<double>()[i] = both_signs && rng.below(2) == 1 ? -size : size;
  }
  return result;
}

}  // namespace keel::testing
