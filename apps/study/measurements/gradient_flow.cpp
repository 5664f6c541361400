#include "study/measurements/gradient_flow.h"

#include <cmath>

#include "keel/train/distributions.h"
#include "study/training.h"

namespace keel::study {
namespace {

Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  const double loss = training.compute_gradients(training.batch_of(0));
  Json norms = Json::array();
  for (const nn::NamedVariable& named : training.model().named_parameters()) {
    if (named.variable.shape().rank() < 2) continue;
    norms.push_back(std::isfinite(loss) ? train::norm_of({named.variable.grad()}) : std::nan(""));
  }
  check<ValueError>(norms.size() >= 4, "[gradient_flow] at least three hidden layers expected, found {}",
                    norms.size() - 1);
  const std::size_t hidden = norms.size() - 1;
  const double first = norms[1], last = norms[hidden - 1], ratio = first / last;
  if (!std::isfinite(ratio) || ratio <= 0) return {{"ratio", nullptr}, {"growth", nullptr}, {"norms", norms}};
  const double growth = std::pow(ratio, 1 / static_cast<double>(hidden - 2));
  return {{"ratio", ratio}, {"growth", growth}, {"norms", norms}};
}

}  // namespace

const Measurement& gradient_flow() {
  static const Measurement measurement = {
      .name = "gradient_flow", .version = 2, .run = run, .seconds = training_seconds};
  return measurement;
}

}  // namespace keel::study
