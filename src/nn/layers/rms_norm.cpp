#include "keel/nn/rms_norm.h"

#include "nn/layers/last_axes.h"

namespace keel::nn::layers {

LayerMaker rms_norm(LayerOptions& options) {
  RMSNormOptions norm;
  const Index axes = options.integer("axes", 1, 1);
  if (!options.is_null("epsilon", true)) {
    norm.epsilon = options.positive("epsilon");
  }
  norm.scale = options.flag("scale", norm.scale);
  options.parameters({{"gamma", "weight", "scale"}});
  const RMSNorm checked(1, norm);
  return [=](LayerSite& site) {
    const Shape shape = last_axes(site, axes);
    if (norm.scale) site.reserve_parameter({shape.numel()});
    return std::make_shared<RMSNorm>(shape, norm);
  };
}

}  // namespace keel::nn::layers
