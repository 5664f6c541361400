#include "keel/nn/instance_norm.h"

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker instance_norm(LayerOptions& options) {
  InstanceNormOptions norm;
  norm.epsilon = options.real("epsilon", 0, std::numeric_limits<double>::infinity(), norm.epsilon);
  norm.affine = options.flag("affine", norm.affine);
  options.parameters({{"gamma", "weight"}, {"beta", "bias"}});
  const InstanceNorm checked(1, norm);
  return [=](LayerSite& site) {
    if (norm.affine) site.reserve_parameter({2, site.channels()});
    return std::make_shared<InstanceNorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
