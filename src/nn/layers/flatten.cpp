#include "keel/nn/flatten.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker flatten(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<Flatten>(); };
}

}  // namespace keel::nn::layers
