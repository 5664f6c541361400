#include "study/paper_experiment.h"

#include <fmt/format.h>

#include "study/compare.h"
#include "study/measurements/activations.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {

Index paper_steps(const Plan& plan) { return plan.choose<Index>(2000, 50000); }

void plan_paper_experiment(Plan& plan, const std::vector<double>& rates) {
  for (const char* norm : {"none", "batch"}) {
    for (const double rate : rates) {
      Json setting = probe({.activation = "sigmoid", .norm = norm}, rate, paper_steps(plan));
      setting["evaluate_every"] = plan.choose<Index>(250, 1000);
      setting["probe_every"] = plan.choose<Index>(50, 250);
      plan.add(at_rate(norm, rate), train_and_watch_activations(), setting);
    }
  }
}

Figure percentiles_of(const Results& results, const std::string& norm, double rate) {
  const std::string label = at_rate(norm, rate);
  Figure figure{
      .title = fmt::format("Percentiles of the inputs of one unit of the last hidden layer, {}, rate {:g}",
                           norm == "batch" ? "BN" : "none", rate),
      .x_label = "step",
      .y_label = "input of the sigmoid",
      .series = {}};
  for (const char* percentile : {"p15", "p50", "p85"}) {
    figure.series.push_back(over_steps(results, label, "step", percentile, percentile));
  }
  return figure;
}

}  // namespace keel::study
