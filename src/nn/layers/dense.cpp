#include "keel/nn/dense.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker dense(LayerOptions& options) {
  const std::optional<Index> units = options.count("units");
  const bool bias = options.flag("bias", true);
  const std::optional<std::string> init = options.init();
  options.parameters({"weight", {"bias", "bias", "bias"}});
  return [=](LayerSite& site) {
    const Index inputs = site.channels(), outputs = units.value_or(site.classes());
    site.reserve_parameter({inputs, outputs});
    site.reserve_output({site.input().numel() / inputs, outputs});
    return std::make_shared<Dense>(
        inputs, outputs, site.rng(),
        DenseOptions{.bias = bias, .weight_init = site.weight_init(init), .bias_init = site.bias_init(init)});
  };
}

}  // namespace keel::nn::layers
