#include "keel/nn/full_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker full_norm(LayerOptions& options) {
  FullNormOptions norm;
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.alpha = options.real("alpha", 0, 1, norm.alpha);
  options.parameters({{"gamma", "weight"}, {"beta", "bias"}});
  const FullNorm checked(1, norm);
  return [=](LayerSite& site) {
    site.reserve_parameter({6, site.channels()});
    return std::make_shared<FullNorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
