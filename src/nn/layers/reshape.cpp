#include "keel/nn/reshape.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker reshape(LayerOptions& options) {
  const Shape shape = options.shape("shape");
  return [=](LayerSite&) { return std::make_shared<Reshape>(shape); };
}

}  // namespace keel::nn::layers
