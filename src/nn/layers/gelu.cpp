#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker gelu(LayerOptions& options) {
  const GeluApproximation by = options.choice("approximation", {"none", "tanh"}, "none") == "tanh"
                                   ? GeluApproximation::tanh
                                   : GeluApproximation::none;
  return [=](LayerSite&) { return std::make_shared<GELU>(by); };
}

}  // namespace keel::nn::layers
