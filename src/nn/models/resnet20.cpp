#include "nn/description/model_writer.h"

namespace keel::nn::models {

namespace {

using description::Json;
using description::ModelWriter;

void add_convolution(ModelWriter& model, Index filters, Index kernel, Index stride) {
  model.conv2d(filters, kernel, {{"stride", stride}, {"bias", model.needs_bias()}});
}

void add_block(ModelWriter& model, Index filters, Index stride) {
  ModelWriter body = model.part();
  add_convolution(body, filters, 3, stride);
  body.activation("relu");
  add_convolution(body, filters, 3, 1);
  body.norm();
  Json block = {{"layer", "residual"}, {"body", body.layers()}};
  if (stride != 1) {
    ModelWriter shortcut = model.part();
    add_convolution(shortcut, filters, 1, stride);
    shortcut.norm();
    block["shortcut"] = shortcut.layers();
  }
  model.add(std::move(block));
  model.add("relu");
}

}  // namespace

description::NamedModel resnet20(LayerOptions& options) {
  ModelWriter model(options, {.batch_norm = true, .init = "he_normal"});
  add_convolution(model, 16, 3, 1);
  model.activation("relu");
  for (const Index filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) add_block(model, filters, filters > 16 && block == 0 ? 2 : 1);
  }
  model.add("global_avg_pool2d");
  model.logits();
  return model.take();
}

}  // namespace keel::nn::models
