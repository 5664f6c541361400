#include "keel/nn/batch_layer_norm.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker batch_layer_norm(LayerOptions& options) {
  BatchLayerNormOptions norm;
  norm.batch_size = options.integer("batch_size", 0, norm.batch_size);
  norm.epsilon = options.positive("epsilon", norm.epsilon);
  norm.sqrt_scaling = options.flag("sqrt_scaling", norm.sqrt_scaling);
  norm.momentum =
      options.is_null("momentum") ? std::nullopt : std::optional(options.real("momentum", 0, 1, 0.1));
  norm.reset_every = options.integer("reset_every", 0, norm.reset_every);
  BatchLayerNormPopulation& population = norm.population;
  population.batch_mean = options.flag("population_batch_mean", population.batch_mean);
  population.batch_var = options.flag("population_batch_var", population.batch_var);
  population.feature_mean = options.flag("population_feature_mean", population.feature_mean);
  population.feature_var = options.flag("population_feature_var", population.feature_var);
  options.parameters({{"gamma", "weight"}, {"beta", "bias"}});
  const BatchLayerNorm checked(Shape{2}, norm);
  return [=](LayerSite& site) {
    const Index positions = site.input().numel() / site.channels();
    site.reserve_parameter({2, site.channels()});
    site.reserve_parameter({2, positions, site.channels() + 1});
    return std::make_shared<BatchLayerNorm>(site.input(), norm);
  };
}

}  // namespace keel::nn::layers
