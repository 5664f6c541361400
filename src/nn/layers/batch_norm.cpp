#include "keel/nn/batch_norm.h"

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker batch_norm(LayerOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  BatchNormOptions norm;
  norm.epsilon = options.real("epsilon", 0, kInfinity, norm.epsilon);
  norm.momentum = options.is_null("momentum") ? kCumulativeAverage : options.real("momentum", 0, 1, 0.1);
  norm.scale = options.flag("scale", norm.scale);
  norm.center = options.flag("center", norm.center);
  norm.track_running_stats = options.flag("track_running_stats", norm.track_running_stats);
  norm.initial_gamma = options.real("initial_gamma", -kInfinity, kInfinity, norm.initial_gamma);
  norm.initial_beta = options.real("initial_beta", -kInfinity, kInfinity, norm.initial_beta);
  norm.initial_running_mean =
      options.real("initial_running_mean", -kInfinity, kInfinity, norm.initial_running_mean);
  norm.initial_running_var = options.real("initial_running_var", 0, kInfinity, norm.initial_running_var);
  options.parameters({{"gamma", "weight"}, {"beta", "bias"}});
  const BatchNorm checked(1, norm);
  return [=](LayerSite& site) {
    const int vectors = norm.scale + norm.center + (norm.track_running_stats ? 2 : 0);
    site.reserve_parameter({vectors, site.channels()});
    return std::make_shared<BatchNorm>(site.channels(), norm);
  };
}

}  // namespace keel::nn::layers
