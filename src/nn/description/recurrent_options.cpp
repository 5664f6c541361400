#include "nn/description/recurrent_options.h"

#include <limits>

namespace keel::nn::description {

RecurrentDescription read_recurrent(LayerOptions& options, Index gates) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  RecurrentDescription described;
  described.gates = gates;
  described.units = options.integer("units", 1);
  RecurrentOptions& found = described.options;
  found.return_sequences = options.flag("return_sequences", found.return_sequences);
  const std::string norm = options.choice("norm", {"none", "layer", "batch"}, "none");
  found.norm = norm == "batch"   ? RecurrentNorm::batch
               : norm == "layer" ? RecurrentNorm::layer
                                 : RecurrentNorm::none;
  found.epsilon = options.real("epsilon", 0, kInfinity, found.epsilon);
  found.momentum =
      options.is_null("momentum") ? std::nullopt : std::optional(options.real("momentum", 0, 1, 0.1));
  found.initial_gamma = options.real("initial_gamma", -kInfinity, kInfinity, norm == "batch" ? 0.1 : 1);
  found.state_noise = options.real("state_noise", 0, kInfinity, found.state_noise);
  described.init = options.init();
  found.recurrent_init =
      initializer_by_name(options.choice("recurrent_init", initializer_names(), "pytorch_default"));
  return described;
}

RecurrentOptions RecurrentDescription::at(LayerSite& site) const {
  const Shape& input = site.input();
  check<ShapeError>(input.rank() == 2 && input[0] >= 1,
                    "expected sequences [T,features] as input, found {}; a layer reshape makes them", input);
  const Index width = gates * units;
  site.reserve_parameter({site.channels(), width});
  site.reserve_parameter({units, width});
  site.reserve_output({input[0], width});
  RecurrentOptions result = options;
  result.input_init = site.weight_init(init);
  result.bias_init = site.bias_init(init);
  if (options.norm == RecurrentNorm::batch) {
    result.timesteps = input[0];
    site.reserve_parameter({4, input[0], width});
  }
  return result;
}

}  // namespace keel::nn::description
