#include "nn/running_statistics.h"

#include <cmath>

namespace keel::nn {

void check_norm(const char* kind, Index channels, double epsilon) {
  check<ValueError>(channels >= 1, "[{}] expected at least 1 channel, found {}", kind, channels);
  check<ValueError>(epsilon > 0 && std::isfinite(epsilon), "[{}] expected epsilon > 0, found {}", kind,
                    epsilon);
  check<ValueError>(static_cast<float>(epsilon) > 0, "[{}] epsilon {} is 0 in float32", kind, epsilon);
}

void check_share(const char* kind, const char* option, double share) {
  check<ValueError>(share >= 0 && share <= 1,
                    "[{}] expected {} in [0,1], the weight of the new batch, found {}", kind, option, share);
}

void check_norm_input(const char* kind, const Variable& x, Index channels, DType dtype) {
  check<ShapeError>(x.shape().rank() >= 2 && x.shape()[-1] == channels,
                    "[{}] expected an input [...,{}] with at least two axes, found {}", kind, channels,
                    x.shape());
  check<DTypeError>(x.dtype() == dtype, "[{}] expected {} elements as in the layer, found {}", kind,
                    name_of(dtype), name_of(x.dtype()));
}

void check_rows(const char* kind, const Variable& x, Index channels) {
  check<ValueError>(x.value().numel() / channels > 1,
                    "[{}] expected more than one value per channel in training, found input {}: use larger "
                    "batches, or drop the incomplete last batch",
                    kind, x.shape());
}

void check_no_mask(const char* kind, const Context& context) {
  check<ValueError>(!context.mask().defined(),
                    "[{}] statistics of some of the rows are not supported: found a mask", kind);
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
