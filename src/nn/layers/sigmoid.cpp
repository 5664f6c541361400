#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker sigmoid(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<Sigmoid>(); };
}

}  // namespace keel::nn::layers
