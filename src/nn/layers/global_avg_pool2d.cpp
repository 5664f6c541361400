#include "keel/nn/pool2d.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker global_avg_pool2d(LayerOptions&) {
  return [](LayerSite&) { return std::make_shared<GlobalAvgPool2d>(); };
}

}  // namespace keel::nn::layers
