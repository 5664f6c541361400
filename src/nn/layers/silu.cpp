#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker silu(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<SiLU>(); };
}

}  // namespace keel::nn::layers
