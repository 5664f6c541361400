#include "keel/nn/lstm.h"

#include <limits>

#include "nn/description/recurrent_options.h"

namespace keel::nn::layers {

LayerMaker lstm(LayerOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  description::RecurrentDescription described = description::read_recurrent(options, 4);
  if (!options.is_null("forget_bias", true)) {
    described.options.forget_bias = options.real("forget_bias", -kInfinity, kInfinity);
  }
  return [=](LayerSite& site) {
    return std::make_shared<LSTM>(site.channels(), described.units, site.rng(), described.at(site));
  };
}

}  // namespace keel::nn::layers
