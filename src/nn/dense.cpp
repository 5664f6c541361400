#include "keel/nn/dense.h"

#include "keel/ops/dense.h"

namespace keel::nn {

Dense::Dense(Index inputs, Index outputs, Rng& rng, const DenseOptions& options) {
  check<ValueError>(inputs >= 1 && outputs >= 1,
                    "[dense] expected at least 1 input and 1 output, found {} and {}", inputs, outputs);
  const Fans fans{inputs, outputs};
  Tensor initial = Tensor::empty({inputs, outputs});
  options.weight_init(initial, fans, rng);
  weight = parameter("weight", initial);
  if (!options.bias) return;
  initial = Tensor::empty({outputs});
  options.bias_init(initial, fans, rng);
  bias = parameter("bias", initial);
}

Variable Dense::forward(const Variable& x, Context&) { return dense(x, weight, bias); }

std::optional<Variable> Dense::forward_activated(const Variable& x, Activation activation, Context&) {
  return dense(x, weight, bias, activation);
}

// PyTorch's weight is [outputs, inputs].
PyTorchLayout Dense::pytorch_layout() const {
  return {.tensors = {{"weight", {.axes = {1, 0}, .input_features = 0}}, {"bias", {}}},
          .mixes_features = true,
          .input_ranks = {2, 3}};
}

}  // namespace keel::nn
