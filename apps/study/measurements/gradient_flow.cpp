#include "study/measurements/gradient_flow.h"

#include <cmath>

#include "study/training.h"

namespace keel::study {
namespace {

double norm_of(const Tensor& tensor) {
  double sum = 0;
  for (const float element : tensor.values<float>())
    sum += static_cast<double>(element) * static_cast<double>(element);
  return std::sqrt(sum);
}

Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  const double loss = training.compute_gradients(training.batch_of(0));
  Json norms = Json::array();
  for (const nn::NamedVariable& named : training.model().named_parameters()) {
    if (named.variable.shape().rank() < 2) continue;
    norms.push_back(std::isfinite(loss) ? norm_of(named.variable.grad()) : std::nan(""));
  }
  check<ValueError>(norms.size() >= 2, "[gradient_flow] at least two weights expected, found {}",
                    norms.size());
  const double first = norms.front(), last = norms[norms.size() - 2], ratio = first / last;
  return {{"ratio", std::isfinite(ratio) && ratio > 0 ? Json(ratio) : Json(nullptr)}, {"norms", norms}};
}

}  // namespace

const Measurement& gradient_flow() {
  static const Measurement measurement = {.name = "gradient_flow", .run = run, .seconds = training_seconds};
  return measurement;
}

}  // namespace keel::study
