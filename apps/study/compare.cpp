#include "study/compare.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "study/sweep.h"

namespace keel::study {

void add_numbers(Report& report, const Results& results, const std::vector<Arm>& arms,
                 const std::string& path, const std::string& what) {
  for (const Arm& arm : arms) {
    report.add(number_of(results, what + ", " + arm.name, arm.name, path, arm.expected));
  }
}

Figure chart_of(const Results& results, const std::vector<Arm>& arms, const std::string& path,
                const std::string& title, const std::string& y_label) {
  std::vector<Named> named;
  for (const Arm& arm : arms) named.push_back({arm.name, results.values(arm.name, path)});
  Figure figure = chart_of_values(title, y_label, named);
  for (Series& series : figure.series) series.diverged.push_back(results.diverged(series.name));
  return figure;
}

Figure chart_of_values(const std::string& title, const std::string& y_label,
                       const std::vector<Named>& named) {
  Figure figure{.title = title, .x_label = "", .y_label = y_label, .series = {}};
  for (std::size_t i = 0; i < named.size(); ++i) {
    figure.series.push_back({named[i].name, {static_cast<double>(i)}, {named[i].values}});
    figure.categories.push_back(named[i].name);
  }
  return figure;
}

Figure chart_of_differences(const std::string& title, const std::vector<Named>& differences, double bound) {
  constexpr double kZero = 1e-10;
  Figure figure{.title = title,
                .x_label = "",
                .y_label = fmt::format("difference (0 at {:g})", kZero),
                .series = {{"found", {}, {}}, {"bound", {}, {}}},
                .log_y = true};
  for (const Named& one : differences) {
    std::vector<double> drawn = one.values;
    for (double& value : drawn) value = value < kZero ? kZero : value;  // NaN stays
    for (Series& series : figure.series) {
      series.x.push_back(static_cast<double>(figure.categories.size()));
      series.y.push_back(series.name == "found" ? drawn : std::vector<double>(drawn.size(), bound));
    }
    figure.categories.push_back(one.name);
  }
  return figure;
}

Reached reached(const Results& results, const std::string& label, const std::string& target, double limit) {
  Reached found;
  for (const double steps : results.values(label, "steps_to/" + target)) {
    found.not_reached.push_back(std::isnan(steps));
    found.steps.push_back(std::isnan(steps) ? limit : steps);
  }
  return found;
}

Series over_steps(const Results& results, const std::string& label, const std::string& steps_path,
                  const std::string& path, const std::string& name) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Series series{.name = name, .x = {}, .y = {}};
  const auto steps = results.series(label, steps_path), values = results.series(label, path);
  // A seed that diverged has a shorter curve.
  std::vector<double> longest;
  for (const auto& one : steps) {
    if (one.size() > longest.size()) longest = one;
  }
  for (std::size_t i = 0; i < longest.size(); ++i) {
    series.x.push_back(longest[i]);
    std::vector<double>& points = series.y.emplace_back();
    for (const auto& one : values) points.push_back(i < one.size() ? one[i] : kNone);
  }
  return series;
}

Series curve_of(const Results& results, const std::string& label, const std::string& curve,
                const std::string& name) {
  return over_steps(results, label, "curve/step", "curve/" + curve, name);
}

Series over_trials(const Results& results, const std::string& name, const std::vector<double>& x,
                   const std::vector<std::string>& labels, const std::string& path) {
  Series series{.name = name, .x = x, .y = {}};
  for (const std::string& label : labels) {
    series.y.push_back(results.values(label, path));
    series.diverged.push_back(results.diverged(label));
  }
  return series;
}

}  // namespace keel::study
