#include "nn/description/model_writer.h"

namespace keel::nn::models {

description::NamedModel vgg_small(LayerOptions& options) {
  description::ModelWriter model(options, {});
  for (const Index filters : {32, 64, 128}) {
    for (int convolution = 0; convolution < 2; ++convolution) {
      model.conv2d(filters, 3);
      model.activation("relu");
    }
    model.add("max_pool2d");
  }
  model.add("flatten");
  model.dense(128);
  model.bare_activation("relu");
  model.logits();
  return model.take();
}

}  // namespace keel::nn::models
