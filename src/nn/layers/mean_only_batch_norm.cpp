#include "keel/nn/mean_only_batch_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker mean_only_batch_norm(LayerOptions& options) {
  MeanOnlyBatchNormOptions norm;
  norm.momentum = options.is_null("momentum") ? kCumulativeAverage : options.real("momentum", 0, 1, 0.1);
  norm.center = options.flag("center", norm.center);
  options.parameters({{"beta", "bias", "center"}});
  return [=](LayerSite& site) {
    site.reserve_parameter({1 + norm.center, site.channels()});
    return std::make_shared<MeanOnlyBatchNorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
