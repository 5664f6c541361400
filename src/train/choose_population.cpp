#include "keel/train/choose_population.h"

#include <optional>
#include <vector>

#include "keel/train/non_finite.h"

namespace keel::train {
namespace {

using nn::BatchLayerNorm;
using nn::BatchLayerNormPopulation;

// The layers of a model; puts back what they took of the population unless something is chosen.
class Layers {
 public:
  explicit Layers(nn::Module& model) {
    model.visit([&](const std::string&, nn::Module& module) {
      auto* layer = dynamic_cast<BatchLayerNorm*>(&module);
      if (layer == nullptr) return;
      layers_.push_back(layer);
      before_.push_back(layer->used_population());
    });
    check<ValueError>(!layers_.empty(),
                      "[choose_population] expected a model with a BatchLayerNorm, found none");
  }
  ~Layers() {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->use_population(chosen_.value_or(before_[i]));
  }
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  void use(const BatchLayerNormPopulation& population) {
    for (BatchLayerNorm* layer : layers_) layer->use_population(population);
  }
  void choose(const BatchLayerNormPopulation& population) { chosen_ = population; }

 private:
  std::vector<BatchLayerNorm*> layers_;
  std::vector<BatchLayerNormPopulation> before_;
  std::optional<BatchLayerNormPopulation> chosen_;
};

// The default first, so that it stays where others are only as good.
std::vector<BatchLayerNormPopulation> combinations() {
  std::vector<BatchLayerNormPopulation> all = {{}};
  for (int bits = 0; bits < 16; ++bits) {
    const BatchLayerNormPopulation each{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    if (each != all[0]) all.push_back(each);
  }
  return all;
}

bool better(const Metrics& a, const Metrics& b) {
  return a.correct() > b.correct() || (a.correct() == b.correct() && a.loss_sum() < b.loss_sum());
}

}  // namespace

PopulationChoice choose_population(nn::Module& model, const data::Batches& validation,
                                   const StopRequest& stop) {
  Layers layers(model);
  std::optional<PopulationChoice> best;
  std::optional<NonFiniteLoss> failure;
  for (const BatchLayerNormPopulation& population : combinations()) {
    layers.use(population);
    try {
      const Metrics found = evaluate(model, validation, stop);
      if (!best || better(found, best->validation)) best = {population, found};
    } catch (const NonFiniteLoss& error) {
      if (!failure) failure = error;
    }
  }
  if (!best) throw *failure;
  layers.choose(best->population);
  return *best;
}

}  // namespace keel::train
