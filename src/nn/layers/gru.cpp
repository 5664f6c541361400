#include "keel/nn/gru.h"

#include "nn/description/recurrent_options.h"

namespace keel::nn::layers {

LayerMaker gru(LayerOptions& options) {
  const description::RecurrentDescription described = description::read_recurrent(options, 3);
  return [=](LayerSite& site) {
    return std::make_shared<GRU>(site.channels(), described.units, site.rng(), described.at(site));
  };
}

}  // namespace keel::nn::layers
