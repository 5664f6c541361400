#include "keel/nn/noisy_batch_norm.h"

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker noisy_batch_norm(LayerOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  NoisyBatchNormOptions noisy;
  noisy.shift = options.real("shift", 0, kInfinity, noisy.shift);
  noisy.max_scale = options.real("max_scale", 1, kInfinity, noisy.max_scale);
  noisy.norm.epsilon = options.positive("epsilon", noisy.norm.epsilon);
  noisy.norm.momentum =
      options.is_null("momentum") ? kCumulativeAverage : options.real("momentum", 0, 1, 0.1);
  options.parameters({{"gamma", "norm.weight"}, {"beta", "norm.bias"}});
  const NoisyBatchNorm checked(1, noisy);
  return [=](LayerSite& site) {
    site.reserve_parameter({4, site.channels()});
    return std::make_shared<NoisyBatchNorm>(site.channels(), noisy);
  };
}

}  // namespace keel::nn::layers
