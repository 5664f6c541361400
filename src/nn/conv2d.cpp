#include "keel/nn/conv2d.h"

namespace keel::nn {

Conv2d::Conv2d(Index inputs, Index outputs, Pair kernel, Rng& rng, const Conv2dLayerOptions& options)
    : convolution_(options.convolution) {
  const Index groups = convolution_.groups;
  check<ValueError>(
      inputs >= 1 && outputs >= 1 && kernel.h >= 1 && kernel.w >= 1,
      "[conv2d] expected at least 1 input, 1 output and a kernel of 1x1, found {}, {} and {}x{}", inputs,
      outputs, kernel.h, kernel.w);
  check<ValueError>(groups >= 1 && inputs % groups == 0 && outputs % groups == 0,
                    "[conv2d] expected groups that divide {} inputs and {} outputs, found {}", inputs,
                    outputs, groups);
  Tensor initial = Tensor::empty({kernel.h, kernel.w, inputs / groups, outputs});
  const Fans fans = fans_of(initial.shape());
  options.weight_init(initial, fans, rng);
  weight = parameter("weight", initial);
  if (!options.bias) return;
  initial = Tensor::empty({outputs});
  options.bias_init(initial, fans, rng);
  bias = parameter("bias", initial);
}

Variable Conv2d::forward(const Variable& x, Context&) { return conv2d(x, weight, bias, convolution_); }

std::optional<Variable> Conv2d::forward_activated(const Variable& x, Activation activation, Context&) {
  if (convolution_.activation != Activation::none) return {};
  Conv2dOptions options = convolution_;
  options.activation = activation;
  return conv2d(x, weight, bias, options);
}

// PyTorch's weight is [outputs, inputs / groups, kernel.h, kernel.w].
PyTorchLayout Conv2d::pytorch_layout() const {
  return {.tensors = {{"weight", {.axes = {3, 2, 0, 1}}}}, .mixes_features = true};
}

}  // namespace keel::nn
