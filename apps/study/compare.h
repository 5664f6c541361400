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
  std::optional<Expectation> expected = {};
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
// against. What is 0, or below 1e-10, is drawn there, as the label of y says.
Figure chart_of_differences(const std::string& title, const std::vector<Named>& differences, double bound);

// Steps of a trial to a target, at "steps_to/TARGET", of at most `limit`.
Reached reached(const Results& results, const std::string& label, const std::string& target, double limit);

// The numbers at `path` of a trial over those at `steps_path`. A seed that diverged has fewer.
Series over_steps(const Results& results, const std::string& label, const std::string& steps_path,
                  const std::string& path, const std::string& name);

// The numbers at `path` of a trial for each x, with how many seeds diverged.
Series over_trials(const Results& results, const std::string& name, const std::vector<double>& x,
                   const std::vector<std::string>& labels, const std::string& path = "accuracy");

// The curve (curve/step, curve/NAME) of a trial, under the name of an arm.
Series curve_of(const Results& results, const std::string& label, const std::string& curve,
                const std::string& name);

}  // namespace keel::study
