#include "keel/nn/noisy_batch_norm.h"

#include <cmath>

#include "keel/ops/arithmetic.h"

namespace keel::nn {
namespace {

Variable drawn(Rng& rng, double low, double high, Index channels, DType dtype) {
  Tensor values = Tensor::empty({channels}, DType::float64);
  for (Index c = 0; c < channels; ++c) values.data<double>()[c] = rng.uniform(low, high);
  return Variable(values.to(dtype));
}

}  // namespace

NoisyBatchNorm::NoisyBatchNorm(Index channels, const NoisyBatchNormOptions& options)
    : norm(child("norm", std::make_shared<BatchNorm>(channels, options.norm))),
      shift_(options.shift),
      max_scale_(options.max_scale) {
  check<ValueError>(shift_ >= 0 && std::isfinite(shift_), "[noisy_batch_norm] expected shift >= 0, found {}",
                    shift_);
  check<ValueError>(max_scale_ >= 1 && std::isfinite(max_scale_),
                    "[noisy_batch_norm] expected max_scale >= 1, found {}", max_scale_);
}

Variable NoisyBatchNorm::forward(const Variable& x, Context& context) {
  const Variable y = norm(x, context);
  if (!context.training()) return y;
  Rng rng = context.next_stream();
  const Index channels = y.shape()[-1];
  const Variable shift = drawn(rng, -shift_, shift_, channels, y.dtype());
  return y * drawn(rng, 1, max_scale_, channels, y.dtype()) + shift;
}

PyTorchLayout NoisyBatchNorm::pytorch_layout() const {
  return {.no_equivalent = "PyTorch has no BatchNorm with noise"};
}

}  // namespace keel::nn
