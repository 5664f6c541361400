// Trials that show how fast the probe (nets.h) learns, with and without BN, at several learning rates.
#pragma once

#include <string>
#include <vector>

#include "study/claim.h"
#include "study/sweep.h"

namespace keel::study {

inline const std::vector<double> kSpeedRates = {0.03, 0.1, 0.3, 1, 3};
// Of a full study.
inline constexpr Index kSpeedSteps = 6000;

// Test accuracies in percent, and the steps to them that were expected of each arm at its best rate.
struct SpeedTarget {
  const char* percent;
  Expectation without, with;
};
inline const std::vector<SpeedTarget> kSpeedTargets = {
    {"95", 650, 350}, {"97", 2350, 1150}, {"97.5", 3550, 2150}};

// Trials at_rate("none", rate) and at_rate("batch", rate), of so many steps, with steps_to/95, 97 and 97.5.
void plan_speed(Plan& plan);
double speed_steps(const Plan& plan);

// The rate at which an arm is soonest at a target; one that does not reach it is not chosen. Steps are then
// compared at this rate (.rate), which is chosen by the seeds it judges, the same way in both arms: at the
// rates of the other seeds (.values), steps that were not reached could not be told from others.
AtBestRate best_for(const Results& results, const Plan& plan, const std::string& norm,
                    const std::string& target);

}  // namespace keel::study
