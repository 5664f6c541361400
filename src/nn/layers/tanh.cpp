#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker tanh(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<Tanh>(); };
}

}  // namespace keel::nn::layers
