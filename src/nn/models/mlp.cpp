#include "nn/description/model_writer.h"

namespace keel::nn::models {

description::NamedModel mlp(LayerOptions& options) {
  description::ModelWriter model(options, {.norm_position = NormPosition::after_activation});
  model.add("flatten");
  model.dense(128);
  model.activation("relu");
  model.logits();
  return model.take();
}

}  // namespace keel::nn::models
