#include "keel/nn/conv2d.h"

#include <algorithm>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker conv2d(LayerOptions& options) {
  const std::optional<Index> filters = options.count("filters");
  const Pair kernel = options.pair("kernel", 1);
  Conv2dOptions convolution;
  convolution.stride = options.pair("stride", 1, Pair(1));
  const bool same = options.says("padding", "same");
  if (!same) convolution.padding = options.pair("padding", 0, Pair(0));
  convolution.dilation = options.pair("dilation", 1, Pair(1));
  convolution.groups = options.integer("groups", 1, 1);
  const bool bias = options.flag("bias", true);
  const bool direct = options.choice("algorithm", {"fastest", "direct"}, "fastest") == "direct";
  convolution.algorithm = direct ? Conv2dAlgorithm::direct : Conv2dAlgorithm::fastest;
  const std::optional<std::string> init = options.init();
  options.parameters({"weight", {"bias", "bias", "bias"}});
  if (same) convolution.padding = same_padding(kernel, convolution.dilation);
  return [=](LayerSite& site) {
    const Shape& image = site.input();
    check<ShapeError>(image.rank() == 3, "expected images [H,W,C], found {}", image);
    const Index outputs = filters.value_or(site.classes());
    const Pair padding = convolution.padding;
    site.reserve_output(
        {image[0] + 2 * padding.h, image[1] + 2 * padding.w, std::max(site.channels(), outputs)});
    site.reserve_parameter({kernel.h, kernel.w, site.channels() / convolution.groups, outputs});
    return std::make_shared<Conv2d>(site.channels(), outputs, kernel, site.rng(),
                                    Conv2dLayerOptions{.convolution = convolution,
                                                       .bias = bias,
                                                       .weight_init = site.weight_init(init),
                                                       .bias_init = site.bias_init(init)});
  };
}

}  // namespace keel::nn::layers
