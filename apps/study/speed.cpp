#include "study/speed.h"

#include "study/measurements/train.h"
#include "study/nets.h"

namespace keel::study {

double speed_steps(const Plan& plan) { return static_cast<double>(plan.choose<Index>(2000, kSpeedSteps)); }

void plan_speed(Plan& plan) {
  for (const char* norm : {"none", "batch"}) {
    for (const double rate : kSpeedRates) {
      Json setting = probe({.norm = norm}, rate, static_cast<Index>(speed_steps(plan)));
      setting["evaluate_every"] = 50;
      setting["targets"] = {95, 97, 97.5};
      plan.add(at_rate(norm, rate), train_and_test(), setting);
    }
  }
}

AtBestRate best_for(const Results& results, const Plan& plan, const std::string& norm,
                    const std::string& target) {
  return at_best_rate(results, norm, kSpeedRates, "steps_to/" + target, false, 2 * speed_steps(plan));
}

}  // namespace keel::study
