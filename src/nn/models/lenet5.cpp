#include "nn/description/model_writer.h"

namespace keel::nn::models {

description::NamedModel lenet5(LayerOptions& options) {
  description::ModelWriter model(options, {});
  // The article's images are 32x32 with a margin; those of MNIST get theirs here.
  model.conv2d(6, 5);
  model.activation("tanh");
  model.add("avg_pool2d");
  model.conv2d(16, 5, {{"padding", 0}});
  model.activation("tanh");
  model.add("avg_pool2d");
  model.add("flatten");
  for (const Index units : {120, 84}) {
    model.dense(units);
    model.activation("tanh");
  }
  model.logits();
  return model.take();
}

}  // namespace keel::nn::models
