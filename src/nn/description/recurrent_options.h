// What the descriptions of all recurrent layers have in common.
#pragma once

#include <optional>
#include <string>

#include "keel/nn/layer_description.h"
#include "keel/nn/recurrent.h"

namespace keel::nn::description {

struct RecurrentDescription {
  Index units = 0;
  Index gates = 0;
  std::optional<std::string> init;
  RecurrentOptions options;

  // The options for a layer at this place: its initialisers, and the statistics of its timesteps.
  //   throws: ShapeError unless its input is sequences [T,features]; ValueError if it would be too large
  RecurrentOptions at(LayerSite& site) const;
};

RecurrentDescription read_recurrent(LayerOptions& options, Index gates);

}  // namespace keel::nn::description
