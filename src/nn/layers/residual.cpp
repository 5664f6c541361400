#include "keel/nn/residual.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker residual(LayerOptions& options) {
  const auto body = options.layers("body");
  const auto shortcut = options.layers("shortcut");
  check(body != nullptr, "body: expected a list of layers, found nothing");
  return [=](LayerSite& site) {
    // The body first: it is the first to draw initial values.
    const auto body_layers = body(site);
    return std::make_shared<Residual>(body_layers, shortcut != nullptr ? shortcut(site) : nullptr);
  };
}

}  // namespace keel::nn::layers
