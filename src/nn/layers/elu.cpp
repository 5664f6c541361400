#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker elu(LayerOptions& options) {
  const double alpha = options.real("alpha", 0, 1000, 1);
  return [=](LayerSite&) { return std::make_shared<ELU>(alpha); };
}

}  // namespace keel::nn::layers
