#include "keel/nn/batch_norm.h"

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

namespace {

// The first axis of a batch is that of its examples.
Index channels_of(const Shape& example, int axis) {
  const int at = axis < 0 ? axis + example.rank() : axis - 1;
  check<ShapeError>(at >= 0 && at < example.rank(), "expected an axis of each example {}, found axis {}",
                    example, axis);
  return example[at];
}

}  // namespace

LayerMaker batch_norm(LayerOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  BatchNormOptions norm;
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.momentum = options.is_null("momentum") ? kCumulativeAverage : options.real("momentum", 0, 1, 0.1);
  norm.scale = options.flag("scale", norm.scale);
  norm.center = options.flag("center", norm.center);
  norm.track_running_stats = options.flag("track_running_stats", norm.track_running_stats);
  norm.initial_gamma = options.real("initial_gamma", -kInfinity, kInfinity, norm.initial_gamma);
  norm.initial_beta = options.real("initial_beta", -kInfinity, kInfinity, norm.initial_beta);
  norm.initial_running_mean =
      options.real("initial_running_mean", -kInfinity, kInfinity, norm.initial_running_mean);
  norm.initial_running_var = options.real("initial_running_var", 0, kInfinity, norm.initial_running_var);
  norm.axis = static_cast<int>(options.integer("axis", -Shape::kMaxRank, norm.axis));
  options.parameters({{"gamma", "weight", "scale"}, {"beta", "bias", "center"}});
  const BatchNorm checked(1, norm);
  return [=](LayerSite& site) {
    const int vectors = norm.scale + norm.center + (norm.track_running_stats ? 2 : 0);
    const Index channels = channels_of(site.input(), norm.axis);
    site.reserve_parameter({vectors, channels});
    return std::make_shared<BatchNorm>(channels, norm);
  };
}

}  // namespace keel::nn::layers
