#include "keel/nn/dropout.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker dropout(LayerOptions& options) {
  const double rate = options.real("rate", 0, 1, 0.5);
  const Dropout checked(rate);
  return [=](LayerSite&) { return std::make_shared<Dropout>(rate); };
}

}  // namespace keel::nn::layers
