#include "keel/nn/batch_renorm.h"

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker batch_renorm(LayerOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  BatchRenormOptions norm;
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.momentum = options.real("momentum", 0, 1, norm.momentum);
  norm.r_max = options.real("r_max", 1, kInfinity, norm.r_max);
  norm.d_max = options.real("d_max", 0, kInfinity, norm.d_max);
  norm.relaxation_begin = options.integer("relaxation_begin", 0, norm.relaxation_begin);
  norm.r_max_end = options.integer("r_max_end", 0, norm.r_max_end);
  norm.d_max_end = options.integer("d_max_end", 0, norm.d_max_end);
  norm.scale = options.flag("scale", norm.scale);
  norm.center = options.flag("center", norm.center);
  options.parameters({{"gamma", "weight", "scale"}, {"beta", "bias", "center"}});
  const BatchRenorm checked(1, norm);
  return [=](LayerSite& site) {
    site.reserve_parameter({2 + norm.scale + norm.center, site.channels()});
    return std::make_shared<BatchRenorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
