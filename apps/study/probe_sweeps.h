// The two sweeps over the probe (nets.h) that several claims are about: learning rates and initial weights.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "study/claim.h"

namespace keel::study {

// From this test accuracy on a run counts as one that trains.
inline constexpr double kTrains = 0.9;

inline const std::vector<double> kSweptRates = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100};
// Standard deviations of the initial weights, at learning rate 0.1.
inline const std::vector<double> kSweptDeviations = {0.001, 0.01, 0.05, 0.1, 0.5, 1, 5};

// Of each run of a full study.
inline constexpr Index kSweptSteps = 3000;

inline constexpr std::array<const char*, 2> kSweptActivations = {"relu", "sigmoid"};
inline constexpr std::array<const char*, 2> kWithoutAndWith = {"none", "batch"};

// "relu batch", the arm that at_rate() and at_deviation() take.
std::string swept_arm(const std::string& activation, const std::string& norm);
std::string at_deviation(const std::string& arm, double deviation);

// For all of kSweptActivations and kWithoutAndWith.
void plan_rate_sweep(Plan& plan);
void plan_deviation_sweep(Plan& plan);

}  // namespace keel::study
