#include "keel/nn/rnn.h"

#include "nn/description/recurrent_options.h"

namespace keel::nn::layers {

LayerMaker rnn(LayerOptions& options) {
  const description::RecurrentDescription described = description::read_recurrent(options, 1);
  const bool relu = options.choice("activation", {"tanh", "relu"}, "tanh") == "relu";
  return [=](LayerSite& site) {
    return std::make_shared<RNN>(site.channels(), described.units, site.rng(), described.at(site),
                                 relu ? RNNActivation::relu : RNNActivation::tanh);
  };
}

}  // namespace keel::nn::layers
