// For what holds exactly or not at all: batches of random numbers, and how far results are apart.
#pragma once

#include <cstdint>
#include <string>

#include "keel/core/tensor.h"

namespace keel::study {

// float32, independent N(1, 3^2): neither centred nor of unit variance. Others for each `index`.
Tensor random_batch(const Shape& shape, std::uint64_t seed, std::uint64_t index = 0);

// max |a - b|; NaN if any element is.   throws: ShapeError unless both have the same shape
double largest_difference(const Tensor& a, const Tensor& b);
// The same in units of the largest |b|.
double relative_difference(const Tensor& a, const Tensor& b);

// For sentences: "exactly the same outputs" of a difference of 0, otherwise "the same outputs to about
// 2e-07".
std::string the_same(const std::string& what, double difference);

}  // namespace keel::study
