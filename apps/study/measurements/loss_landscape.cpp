#include "study/measurements/loss_landscape.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "keel/train/distributions.h"
#include "study/parameters.h"
#include "study/training.h"

namespace keel::study {
namespace {

constexpr std::array kEtas = {0.05, 0.1, 0.2, 0.3, 0.4, 0.5};

struct Look {
  double range = 0, change = 0, beta = 0, shift = 0;
};

// The position of the weight in front of the logits' among the parameters.
std::size_t last_hidden_weight(const std::vector<Variable>& parameters) {
  std::vector<std::size_t> weights;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].shape().rank() >= 2) weights.push_back(i);
  }
  check<ValueError>(weights.size() >= 3, "[loss_landscape] two hidden layers expected, found {}",
                    weights.size() - 1);
  return weights[weights.size() - 2];
}

// Leaves the weights as they are. Running statistics do change, but nothing here evaluates.
// Nothing if a loss on the way is not finite.
std::optional<Look> look(Training& training, const data::Batch& batch) {
  std::vector<Variable> parameters = training.model().parameters();
  const std::vector<Tensor> values = values_of(parameters);
  if (!std::isfinite(training.compute_gradients(batch))) return std::nullopt;
  const std::vector<Tensor> gradients = gradients_of(parameters);
  const double norm = train::norm_of(gradients);
  Look result;
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (const double eta : kEtas) {
    move(parameters, values, gradients, -eta, parameters.size());
    const double loss = training.compute_gradients(batch);
    if (!std::isfinite(loss)) {
      move(parameters, values, gradients, 0, parameters.size());
      return std::nullopt;
    }
    lowest = std::min(lowest, loss);
    highest = std::max(highest, loss);
    const double change = distance_of(gradients_of(parameters), gradients);
    result.change = std::max(change, result.change);
    result.beta = std::max(change / (eta * norm), result.beta);
  }
  result.range = highest - lowest;
  move(parameters, values, gradients, 0, parameters.size());
  const std::size_t layer = last_hidden_weight(parameters);
  move(parameters, values, gradients, -training.learning_rate(), layer);
  if (!std::isfinite(training.compute_gradients(batch))) {
    move(parameters, values, gradients, 0, parameters.size());
    return std::nullopt;
  }
  const std::vector<Tensor> before = {gradients[layer]}, after = {parameters[layer].grad().clone()};
  result.shift = distance_of(after, before) / train::norm_of(before);
  move(parameters, values, gradients, 0, parameters.size());
  return result;
}

Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  const Index steps = setting.at("steps"), every = setting.at("probe_every");
  Look sum;
  Index looks = 0;
  bool diverged = false, all_finite = true;
  while (!diverged && training.steps_done() < steps) {
    if (training.steps_done() % every == 0) {
      if (const auto one = look(training, training.batch_of(training.steps_done()))) {
        sum.range += one->range;
        sum.change += one->change;
        sum.beta += one->beta;
        sum.shift += one->shift;
        ++looks;
      } else {
        all_finite = false;
      }
    }
    diverged = !training.step();
  }
  const auto mean = [&](double total) {
    return diverged || !all_finite ? Json(nullptr) : Json(total / static_cast<double>(looks));
  };
  return {{"diverged", diverged},
          {"range", mean(sum.range)},
          {"change", mean(sum.change)},
          {"beta", mean(sum.beta)},
          {"shift", mean(sum.shift)}};
}

double seconds(const Json& setting) {
  const double looks = setting.at("steps").get<double>() / setting.at("probe_every").get<double>();
  return training_seconds(setting) * (1 + 8 * looks / setting.at("steps").get<double>());
}

}  // namespace

const Measurement& loss_landscape() {
  static const Measurement measurement = {.name = "loss_landscape", .run = run, .seconds = seconds};
  return measurement;
}

}  // namespace keel::study
