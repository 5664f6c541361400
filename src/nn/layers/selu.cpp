#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker selu(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<SELU>(); };
}

}  // namespace keel::nn::layers
