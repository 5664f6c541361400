#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker relu(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<ReLU>(); };
}

}  // namespace keel::nn::layers
