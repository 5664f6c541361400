#include "keel/nn/layer_norm.h"

#include "nn/layers/last_axes.h"

namespace keel::nn::layers {

LayerMaker layer_norm(LayerOptions& options) {
  LayerNormOptions norm;
  const Index axes = options.integer("axes", 1, 1);
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.scale = options.flag("scale", norm.scale);
  norm.center = options.flag("center", norm.center);
  options.parameters({{"gamma", "weight", "scale"}, {"beta", "bias", "center"}});
  const LayerNorm checked(2, norm);
  return [=](LayerSite& site) {
    const Shape shape = last_axes(site, axes);
    site.reserve_parameter({norm.scale + norm.center, shape.numel()});
    return std::make_shared<LayerNorm>(shape, norm);
  };
}

}  // namespace keel::nn::layers
