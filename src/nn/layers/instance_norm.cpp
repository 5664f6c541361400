#include "keel/nn/instance_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker instance_norm(LayerOptions& options) {
  InstanceNormOptions norm;
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.affine = options.flag("affine", norm.affine);
  options.parameters({{"gamma", "weight", "affine"}, {"beta", "bias", "affine"}});
  const InstanceNorm checked(1, norm);
  return [=](LayerSite& site) {
    if (norm.affine) site.reserve_parameter({2, site.channels()});
    return std::make_shared<InstanceNorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
