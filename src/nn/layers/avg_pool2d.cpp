#include "keel/nn/layer_description.h"
#include "keel/nn/pool2d.h"

namespace keel::nn::layers {

LayerMaker avg_pool2d(LayerOptions& options) {
  AvgPool2dOptions pool;
  pool.kernel = options.pair("kernel", 1, Pair(2));
  pool.stride = options.pair("stride", 1, pool.kernel);
  pool.padding = options.pair("padding", 0, Pair(0));
  pool.count_include_pad = options.flag("count_include_pad", true);
  return [=](LayerSite&) { return std::make_shared<AvgPool2d>(pool); };
}

}  // namespace keel::nn::layers
