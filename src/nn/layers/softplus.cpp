#include "keel/nn/activation.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker softplus(LayerOptions& options) {
  const double beta = options.real("beta", 1e-3, 1000, 1);
  const double threshold = options.real("threshold", 0, 1e6, 20);
  return [=](LayerSite&) { return std::make_shared<Softplus>(beta, threshold); };
}

}  // namespace keel::nn::layers
