// ModelWriter: the layers of a named model, from the options that all named models have.
#pragma once

#include <string>

#include "keel/nn/model_description.h"
#include "nn/description/norm_option.h"
#include "nn/description/tables.h"

namespace keel::nn::description {

struct ModelDefaults {
  bool batch_norm = false;
  NormPosition norm_position = NormPosition::before_activation;
  std::string init = "pytorch_default";
};

class ModelWriter {
 public:
  ModelWriter(LayerOptions& options, const ModelDefaults& defaults);

  // An empty list with the same options, for the parts of a residual.
  ModelWriter part() const;

  void add(const char* layer) { layers_.push_back({{"layer", layer}}); }
  void add(Json layer) { layers_.push_back(std::move(layer)); }
  void dense(Index units) { add({{"layer", "dense"}, {"units", units}}); }
  // With a square kernel that keeps the size of the image, at stride 1.
  void conv2d(Index filters, Index kernel, const Json& more = Json::object());
  // With the model's norm on its side, if it has one.
  void activation(const char* layer);
  // Without one; but a norm of weights goes around the layer in front all the same.
  void bare_activation(const char* layer);
  // The model's norm, if it has one.
  void norm();
  // [Dropout and] the layer that gives the logits.
  void logits();

  // Whether a layer needs a bias that has norm() or activation() behind it.
  bool needs_bias() const { return !norm_.replaces_bias; }
  const Json& layers() const { return layers_; }
  NamedModel take() { return {std::move(layers_), init_}; }

 private:
  std::string init_;
  std::string convolution_;
  NormOption norm_;
  bool before_;
  double dropout_;
  Json layers_ = Json::array();
};

}  // namespace keel::nn::description
