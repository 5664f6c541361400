#include "keel/nn/weight_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker weight_norm(LayerOptions& options) {
  const auto body = options.layers("body");
  check(body != nullptr, "body: expected a list of one dense or conv2d, found nothing");
  WeightNormOptions norm;
  norm.data_dependent_init = options.flag("data_dependent_init", norm.data_dependent_init);
  norm.mean_only_batch_norm = options.flag("mean_only_batch_norm", norm.mean_only_batch_norm);
  norm.momentum = options.is_null("momentum") ? kCumulativeAverage : options.real("momentum", 0, 1, 0.1);
  return [=](LayerSite& site) -> std::shared_ptr<Module> {
    const std::shared_ptr<Sequential> layers = body(site);
    const auto& found = layers->children();
    check<ValueError>(found.size() == 1,
                      "[weight_norm] expected a body of one dense or conv2d, found {} layers", found.size());
    Module& layer = *found.front().module;
    // Rules of the weight would be rules of what direction and length make, which is no parameter.
    check<ValueError>(!layer.has_parameter_rules(),
                      "[weight_norm] penalties and constraints of the {} in the body are not supported",
                      layer.kind());
    const auto* dense = dynamic_cast<const Dense*>(&layer);
    const auto* conv = dynamic_cast<const Conv2d*>(&layer);
    check<ValueError>(dense != nullptr || conv != nullptr,
                      "[weight_norm] expected a body of one dense or conv2d, found {}", layer.kind());
    site.reserve_parameter({2, (dense != nullptr ? dense->weight : conv->weight).shape()[-1]});
    if (dense != nullptr) return std::make_shared<WeightNorm>(*dense, norm);
    return std::make_shared<WeightNorm>(*conv, norm);
  };
}

}  // namespace keel::nn::layers
