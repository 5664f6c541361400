#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker hard_sigmoid(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<HardSigmoid>(); };
}

}  // namespace keel::nn::layers
