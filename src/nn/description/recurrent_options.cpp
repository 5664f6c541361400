#include "nn/description/recurrent_options.h"

#include <limits>

#include "nn/description/reading.h"

namespace keel::nn::description {

namespace {

// An option that nothing reads may be spelled out with its default, as canonical descriptions do, but not
// set.
void expect_default(LayerOptions& options, const char* key, const std::string& norm, const Json& fallback) {
  if (options.reading().canonical.at(key) == fallback) return;
  options.reading().fail(
      key, fmt::format("{} or nothing with norm \"{}\", which does not use it", fallback.dump(), norm));
}

}  // namespace

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
  found.epsilon = options.positive("epsilon", found.epsilon);
  const bool plain_average = norm == "batch" && options.is_null("momentum");
  found.momentum = plain_average ? std::nullopt : std::optional(options.real("momentum", 0, 1, 0.1));
  found.initial_gamma = options.real("initial_gamma", -kInfinity, kInfinity, norm == "batch" ? 0.1 : 1);
  if (norm != "batch") expect_default(options, "momentum", norm, 0.1);
  if (norm == "none") {
    expect_default(options, "initial_gamma", norm, 1.0);
    expect_default(options, "epsilon", norm, RecurrentOptions().epsilon);
  }
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
  // With norm layer, biases of 0 and a state of 0 have gradients that overflow behind a few constant steps.
  const bool needs_biases = options.norm == RecurrentNorm::layer && options.state_noise == 0;
  result.bias_init = needs_biases ? pytorch_default() : site.bias_init(init);
  if (options.norm == RecurrentNorm::batch) {
    result.timesteps = input[0];
    // Mean and variance of each norm; RNN, of one gate, has a single norm for both of its products.
    site.reserve_parameter({gates == 1 ? 2 : 4, input[0], width});
  }
  return result;
}

}  // namespace keel::nn::description
