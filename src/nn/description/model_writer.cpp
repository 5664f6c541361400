#include "nn/description/model_writer.h"

#include "nn/description/reading.h"

namespace keel::nn::description {

ModelWriter::ModelWriter(LayerOptions& options, const ModelDefaults& defaults)
    : init_(options.choice("init", initializer_names(), defaults.init)),
      convolution_(options.choice("convolution", {"fastest", "direct"}, "fastest")),
      batch_norm_(options.flag("batch_norm", defaults.batch_norm)),
      before_(
          options.choice("norm_position", {"before", "after"},
                         defaults.norm_position == NormPosition::before_activation ? "before" : "after") ==
          "before"),
      norm_(read_nested_options(options.reading(), "norm", "batch_norm")),
      dropout_(options.real("dropout", 0, 1, 0)) {
  options.reading().canonical["norm"] = norm_;
}

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
  if (!batch_norm_) return;
  Json layer = {{"layer", "batch_norm"}};
  layer.update(norm_);
  add(std::move(layer));
}

void ModelWriter::activation(const char* layer) {
  if (before_) norm();
  add(layer);
  if (!before_) norm();
}

void ModelWriter::logits() {
  if (dropout_ > 0) add({{"layer", "dropout"}, {"rate", dropout_}});
  add({{"layer", "dense"}, {"units", "classes"}});
}

}  // namespace keel::nn::description
