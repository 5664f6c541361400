#include "nn/running_statistics.h"

#include <numeric>

namespace keel::nn {

ReductionOptions over_rows(const Shape& shape) {
  ReductionOptions options;
  options.axes.resize(static_cast<std::size_t>(shape.rank() - 1));
  std::iota(options.axes.begin(), options.axes.end(), 0);
  return options;
}

void count_batch(Buffer& batches) {
  std::int32_t& count = *batches.mutable_value().data<std::int32_t>();
  if (count < INT32_MAX) ++count;
}

void blend(Buffer& running, const Tensor& batch, double share) {
  blend(running.mutable_value(), batch, share);
}

void blend(Tensor running, const Tensor& batch, double share) {
  const Tensor exact = batch.to(DType::float64);
  dispatch_floating("blend", running.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* values = running.data<T>();
    for (Index i = 0; i < exact.numel(); ++i) {
      const double old = (1 - share) * static_cast<double>(values[i]);
      values[i] = static_cast<T>(old + share * exact.data<double>()[i]);
    }
  });
}

}  // namespace keel::nn
