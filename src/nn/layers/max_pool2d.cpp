#include "keel/nn/layer_description.h"
#include "keel/nn/pool2d.h"

namespace keel::nn::layers {

LayerMaker max_pool2d(LayerOptions& options) {
  MaxPool2dOptions pool;
  pool.kernel = options.pair("kernel", 1, Pair(2));
  pool.stride = options.pair("stride", 1, pool.kernel);
  pool.padding = options.pair("padding", 0, Pair(0));
  return [=](LayerSite&) { return std::make_shared<MaxPool2d>(pool); };
}

}  // namespace keel::nn::layers
