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

void Adam::update(Tensor& parameter, const Tensor& gradient, std::span<Tensor> state, const StepInfo& info) {
  const double t = static_cast<double>(info.step);
  const kernels::AdamStep step{
      .beta1 = options_.beta1,
      .beta2 = options_.beta2,
      .epsilon = options_.epsilon,
      .l2 = options_.decoupled ? 0 : info.weight_decay,
      .shrink = options_.decoupled ? 1 - info.learning_rate * info.weight_decay : 1,
      .step_size = info.learning_rate / (1 - std::pow(options_.beta1, t)),
      .v_correction = 1 / std::sqrt(1 - std::pow(options_.beta2, t)),
  };
  dispatch_floating(name_of(options_), parameter.dtype(), [&]<class T>(T) {
    kernels::adam_update(step, parameter.data<T>(), state[0].data<T>(), state[1].data<T>(),
                         gradient.data<T>(), parameter.numel());
  });
}

}  // namespace keel::optim
