#include "study/exact.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keel/core/rng.h"
#include "keel/core/tensor_ops.h"

namespace keel::study {
namespace {

constexpr std::uint64_t kInputs = 103;

double largest(const Tensor& tensor) {
  double result = 0;
  const Tensor values = tensor.to(DType::float64);
  for (const double value : values.values<double>()) {
    if (std::isnan(value)) return value;
    result = std::max(result, std::abs(value));
  }
  return result;
}

}  // namespace

Tensor random_batch(const Shape& shape, std::uint64_t seed, std::uint64_t index) {
  Rng rng = Rng(seed, kInputs).substream(index);
  Tensor batch = Tensor::empty(shape);
  for (Index i = 0; i < batch.numel(); ++i) {
    batch.data<float>()[i] = static_cast<float>(1 + 3 * rng.normal());
  }
  return batch;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.shape() == b.shape(), "[study] equal shapes expected, found {} and {}",
                    a.shape().to_string(), b.shape().to_string());
  return largest(subtract(a.to(DType::float64), b.to(DType::float64)));
}

double relative_difference(const Tensor& a, const Tensor& b) { return largest_difference(a, b) / largest(b); }

std::string the_same(const std::string& what, double difference) {
  return difference == 0 ? "exactly the same " + what
                         : fmt::format("the same {} to about {:.1g}", what, difference);
}

}  // namespace keel::study
