#include "keel/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "keel/core/error.h"

namespace keel::optim {

namespace {

void require_positive(const char* schedule, const char* what, double value) {
  check<ValueError>(std::isfinite(value) && value > 0, "[{}] {} {}: expected a finite number > 0", schedule,
                    what, value);
}

void require_step(const char* schedule, Index step) {
  check<ValueError>(step >= 0, "[{}] step {}: expected >= 0", schedule, step);
}

}  // namespace

Schedule constant(double learning_rate) {
  require_positive("constant", "learning rate", learning_rate);
  return [learning_rate](Index step) {
    require_step("constant", step);
    return learning_rate;
  };
}

Schedule step_decay(const StepDecayOptions& options) {
  require_positive("step_decay", "initial rate", options.initial);
  require_positive("step_decay", "factor", options.factor);
  check<ValueError>(options.every >= 1, "[step_decay] every {} steps: expected >= 1", options.every);
  return [options](Index step) {
    require_step("step_decay", step);
    const Index changes = step / options.every;
    return options.initial * std::pow(options.factor, static_cast<double>(changes));
  };
}

Schedule cosine(const CosineOptions& options) {
  require_positive("cosine", "initial rate", options.initial);
  check<ValueError>(std::isfinite(options.final) && options.final >= 0,
                    "[cosine] final rate {}: expected a finite number >= 0", options.final);
  check<ValueError>(options.steps >= 1, "[cosine] over {} steps: expected >= 1", options.steps);
  return [options](Index step) {
    require_step("cosine", step);
    const double done =
        static_cast<double>(std::min(step, options.steps)) / static_cast<double>(options.steps);
    return options.final + (options.initial - options.final) * (1 + std::cos(std::numbers::pi * done)) / 2;
  };
}

Schedule warm_up(Index steps, Schedule schedule) {
  check<ValueError>(steps >= 0, "[warm_up] {} steps: expected >= 0", steps);
  check<ValueError>(schedule != nullptr, "[warm_up] no schedule to warm up to");
  return [steps, schedule = std::move(schedule)](Index step) {
    require_step("warm_up", step);
    const double rate = schedule(step);
    return step < steps ? rate * static_cast<double>(step + 1) / static_cast<double>(steps) : rate;
  };
}

}  // namespace keel::optim
