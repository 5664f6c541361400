#include "keel/optim/adam.h"

#include <cmath>

#include "keel/core/error.h"
#include "kernels/optimizer.h"

namespace keel::optim {

namespace {
const char* name_of(const AdamOptions& options) { return options.decoupled ? "adamw" : "adam"; }
}  // namespace

Adam::Adam(ParameterGroups parameters, const AdamOptions& options)
    : Optimizer(name_of(options), std::move(parameters), {"m", "v"}, options.weight_decay),
      options_(options) {
  const char* name = name_of(options);
  check<ValueError>(options.beta1 >= 0 && options.beta1 < 1, "[{}] beta1 {}: expected a number in [0, 1)",
                    name, options.beta1);
  check<ValueError>(options.beta2 >= 0 && options.beta2 < 1, "[{}] beta2 {}: expected a number in [0, 1)",
                    name, options.beta2);
  check<ValueError>(std::isfinite(options.epsilon) && options.epsilon > 0,
                    "[{}] epsilon {}: expected a finite number > 0", name, options.epsilon);
}

void Adam::update(std::span<const Update> updates, Index step) {
  const double t = static_cast<double>(step);
  const double m_correction = 1 - std::pow(options_.beta1, t);
  const double v_correction = 1 / std::sqrt(1 - std::pow(options_.beta2, t));
  const auto update_all = [&]<class T>(T) {
    std::vector<kernels::AdamSegment<T>> segments;
    segments.reserve(updates.size());
    for (const Update& u : updates) {
      if (u.parameter.dtype() != dtype_of<T>()) continue;
      segments.push_back({.step = {.beta1 = options_.beta1,
                                   .beta2 = options_.beta2,
                                   .epsilon = options_.epsilon,
                                   .l2 = options_.decoupled ? 0 : u.weight_decay,
                                   .shrink = options_.decoupled ? 1 - u.learning_rate * u.weight_decay : 1,
                                   .step_size = u.learning_rate / m_correction,
                                   .v_correction = v_correction},
                          .p = u.parameter.data<T>(),
                          .m = u.state[0].data<T>(),
                          .v = u.state[1].data<T>(),
                          .g = u.gradient.data<T>(),
                          .n = u.parameter.numel()});
    }
    kernels::adam_update(segments.data(), static_cast<Index>(segments.size()));
  };
  update_all(float());
  update_all(double());
}

}  // namespace keel::optim
