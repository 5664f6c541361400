#include "study/probe_sweeps.h"

#include <fmt/format.h>

#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

Index steps_of(const Plan& plan) { return plan.choose<Index>(600, kSweptSteps); }

}  // namespace

std::string swept_arm(const std::string& activation, const std::string& norm) {
  return activation + " " + norm;
}

std::string at_deviation(const std::string& arm, double deviation) {
  return fmt::format("{} s {:g}", arm, deviation);
}

void plan_rate_sweep(Plan& plan) {
  for (const char* activation : kSweptActivations) {
    for (const char* norm : kWithoutAndWith) {
      for (const double rate : kSweptRates) {
        plan.add(at_rate(swept_arm(activation, norm), rate), train_and_test(),
                 probe({.activation = activation, .norm = norm}, rate, steps_of(plan)));
      }
    }
  }
}

void plan_deviation_sweep(Plan& plan) {
  constexpr double kRate = 0.1;
  for (const char* activation : kSweptActivations) {
    for (const char* norm : kWithoutAndWith) {
      for (const double deviation : kSweptDeviations) {
        Json setting = probe({.activation = activation, .norm = norm}, kRate, steps_of(plan));
        setting.erase("init");
        setting["init_deviation"] = deviation;
        plan.add(at_deviation(swept_arm(activation, norm), deviation), train_and_test(), setting);
      }
    }
  }
}

}  // namespace keel::study
