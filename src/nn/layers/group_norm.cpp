#include "keel/nn/group_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker group_norm(LayerOptions& options) {
  GroupNormOptions norm;
  const std::optional<Index> groups =
      options.is_null("groups", true) ? std::nullopt : std::optional(options.integer("groups", 1));
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.scale = options.flag("scale", norm.scale);
  norm.center = options.flag("center", norm.center);
  options.parameters({{"gamma", "weight", "scale"}, {"beta", "bias", "center"}});
  const GroupNorm checked(1, 1, norm);
  return [=](LayerSite& site) {
    const Index channels = site.channels();
    site.reserve_parameter({norm.scale + norm.center, channels});
    return std::make_shared<GroupNorm>(groups.value_or(default_groups(channels)), channels, norm);
  };
}

}  // namespace keel::nn::layers
