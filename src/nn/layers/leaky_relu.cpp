#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker leaky_relu(LayerOptions& options) {
  const double slope = options.real("negative_slope", -1, 1, 0.01);
  return [=](LayerSite&) { return std::make_shared<LeakyReLU>(slope); };
}

}  // namespace keel::nn::layers
