#include "nn/description/model_writer.h"

#include "nn/description/reading.h"

namespace keel::nn::description {

ModelWriter::ModelWriter(LayerOptions& options, const ModelDefaults& defaults)
    : init_(options.choice("init", initializer_names(), defaults.init)),
      convolution_(options.choice("convolution", {"fastest", "direct"}, "fastest")),
      norm_(read_norm(options, defaults.batch_norm)),
      before_(
          options.choice("norm_position", {"before", "after"},
                         defaults.norm_position == NormPosition::before_activation ? "before" : "after") ==
          "before"),
      dropout_(options.real("dropout", 0, 1, 0)) {}

ModelWriter ModelWriter::part() const {
  ModelWriter result = *this;
  result.layers_.clear();
  return result;
}

void ModelWriter::conv2d(Index filters, Index kernel, const Json& more) {
  Json layer = {{"layer", "conv2d"},
                {"filters", filters},
                {"kernel", kernel},
                {"padding", "same"},
                {"algorithm", convolution_}};
  layer.update(more);
  add(std::move(layer));
}

void ModelWriter::norm() {
  if (norm_.layer.is_null()) return;
  Json layer = norm_.layer;
  if (norm_.wraps) {
    layer["body"] = Json::array();
    layer["body"].push_back(std::move(layers_.back()));
    layers_.erase(layers_.size() - 1);
  }
  add(std::move(layer));
}

void ModelWriter::activation(const char* layer) {
  const bool before = before_ || norm_.wraps;
  if (before) norm();
  add(layer);
  if (!before) norm();
}

void ModelWriter::bare_activation(const char* layer) {
  if (norm_.wraps) norm();
  add(layer);
}

void ModelWriter::logits() {
  if (dropout_ > 0) add({{"layer", "dropout"}, {"rate", dropout_}});
  add({{"layer", "dense"}, {"units", "classes"}});
}

}  // namespace keel::nn::description
