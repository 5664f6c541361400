// What many claims do with two or more arms.
#pragma once

#include <string>
#include <vector>

#include "study/claim.h"

namespace keel::study {

// Accuracies, and losses of well trained networks, that are nearer than that to each other are a tie.
inline constexpr double kTie = 0.002;

// An arm of a comparison: what trials and series call it, and what was expected of its number.
struct Arm {
  std::string name;
  std::optional<double> expected = {};
};

// The numbers at `path` of the trials called like the arms, under "WHAT, NAME".
void add_numbers(Report& report, const Results& results, const std::vector<Arm>& arms,
                 const std::string& path, const std::string& what);

// The same as a chart with a point for each arm.
Figure chart_of(const Results& results, const std::vector<Arm>& arms, const std::string& path,
                const std::string& title, const std::string& y_label);

// A chart with a point for each of some named values.
struct Named {
  std::string name;
  std::vector<double> values;
};
Figure chart_of_values(const std::string& title, const std::string& y_label, const std::vector<Named>& named);

// The same of differences that should be 0, or nearly: on a logarithmic scale, beside the bound they are held
// against. What is 0 is drawn at the smallest value of the scale, which the label of y names.
Figure chart_of_differences(const std::string& title, const std::vector<Named>& differences, double bound);

// Steps of a trial to a target, at "steps_to/TARGET", of at most `limit`.
Reached reached(const Results& results, const std::string& label, const std::string& target, double limit);

// The curve (curve/step, curve/NAME) of a trial, under the name of an arm.
Series curve_of(const Results& results, const std::string& label, const std::string& curve,
                const std::string& name);

}  // namespace keel::study
