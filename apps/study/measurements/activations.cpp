#include "study/measurements/activations.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "keel/train/distributions.h"
#include "study/training.h"

namespace keel::study {
namespace {

constexpr Index kProbe = 1000, kSettled = 500;
// Until then the accuracy changes from one hundred steps to the next.
constexpr Index kEarly = 5000, kEarlyEvery = 100;

// Of the last activation in front of the logits.
train::LayerDistribution last_activation(Training& training, const Tensor& probe) {
  const std::vector<train::LayerDistribution> layers = train::layer_distributions(training.model(), probe);
  const auto last =
      std::find_if(layers.rbegin(), layers.rend(), [](const auto& layer) { return layer.is_activation; });
  check<ValueError>(last != layers.rend(), "[activations] a model with an activation expected");
  return *last;
}

// What of the looks is from when training had settled.
struct Settled {
  std::vector<double> spreads, centers;

  Json result() const {
    if (spreads.empty()) return {{"spread_change", nullptr}, {"drift", nullptr}, {"center", nullptr}};
    const auto [narrow, wide] = std::minmax_element(spreads.begin(), spreads.end());
    const auto [low, high] = std::minmax_element(centers.begin(), centers.end());
    const auto n = static_cast<double>(spreads.size());
    const double mean_spread = std::accumulate(spreads.begin(), spreads.end(), 0.0) / n;
    const double size = std::accumulate(centers.begin(), centers.end(), 0.0,
                                        [](double sum, double center) { return sum + std::abs(center); });
    return {
        {"spread_change", *wide / *narrow}, {"drift", (*high - *low) / mean_spread}, {"center", size / n}};
  }
};

Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  const Index steps = setting.at("steps"), every = setting.at("probe_every");
  const Index evaluate_every = setting.at("evaluate_every");
  std::vector<std::int32_t> indices(static_cast<std::size_t>(std::min(kProbe, training.test_set()->size())));
  std::iota(indices.begin(), indices.end(), 0);
  const Tensor probe = training.test_set()->gather(indices).inputs;
  Json result = {
      {"step", Json::array()}, {"p15", Json::array()}, {"p50", Json::array()}, {"p85", Json::array()}};
  Json curve = {{"step", Json::array()}, {"accuracy", Json::array()}};
  Settled settled;
  bool is_finite = true;
  double accuracy = 1.0 / static_cast<double>(training.classes());
  while (training.steps_done() < steps && training.step()) {
    const Index done = training.steps_done();
    if (done % every == 0) {
      const train::Distribution unit = last_activation(training, probe).unit;
      result["step"].push_back(done);
      result["p15"].push_back(unit.p15);
      result["p50"].push_back(unit.p50);
      result["p85"].push_back(unit.p85);
      if (done >= kSettled) {
        settled.spreads.push_back(unit.p85 - unit.p15);
        settled.centers.push_back(unit.p50);
      }
    }
    const bool early = done <= kEarly && done % kEarlyEvery == 0;
    if (!early && done % evaluate_every != 0 && done != steps) continue;
    const std::optional<train::Metrics> metrics = training.test();
    is_finite = metrics.has_value();
    if (!is_finite) break;
    accuracy = metrics->accuracy();
    curve["step"].push_back(done);
    curve["accuracy"].push_back(accuracy);
  }
  const bool diverged = training.diverged() || !is_finite;
  result["diverged"] = diverged;
  result["accuracy"] = diverged ? 1.0 / static_cast<double>(training.classes()) : accuracy;
  result["curve"] = curve;
  result["flat"] = diverged ? Json(nullptr) : Json(last_activation(training, probe).flat);
  result.update(settled.result());
  return result;
}

}  // namespace

const Measurement& train_and_watch_activations() {
  static const Measurement measurement = {.name = "activations", .run = run, .seconds = training_seconds};
  return measurement;
}

}  // namespace keel::study
