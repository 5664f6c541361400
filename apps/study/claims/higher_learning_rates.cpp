#include <fmt/format.h>

#include <algorithm>

#include "study/claim.h"
#include "study/probe_sweeps.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// Of the network without BN and of that with it.
struct Expected {
  double without, with;
};
Expected expected_of(const std::string& activation) {
  return activation == "relu" ? Expected{0.3, 3} : Expected{3, 30};
}

std::vector<double> highest_rate(const Results& results, const std::string& activation, const char* norm) {
  std::vector<double> rates = last_good_rate(results, swept_arm(activation, norm), kSweptRates, kTrains);
  // Where none is good it lies below the grid, which has three rates for two powers of ten.
  for (double& rate : rates) rate = std::max(rate, kSweptRates.front() / 3);
  return rates;
}

void judge(const Plan&, const Results& results, Report& report) {
  std::string found;
  for (const std::string activation : kSweptActivations) {
    const std::vector<double> without = highest_rate(results, activation, "none");
    const std::vector<double> with = highest_rate(results, activation, "batch");
    report.expect_ratio(
        fmt::format("{}: the highest rate that trains is higher with BN than without", activation), with,
        without, 1);
    report.add(
        Number{activation + ": highest rate that trains, none", without, expected_of(activation).without});
    report.add(Number{activation + ": highest rate that trains, BN", with, expected_of(activation).with});
    Figure figure{.title = "Test accuracy by learning rate, " + activation,
                  .x_label = "learning rate",
                  .y_label = "test accuracy",
                  .series = {},
                  .log_x = true};
    for (const char* norm : kWithoutAndWith) {
      figure.series.push_back(over_rates(results, swept_arm(activation, norm), kSweptRates, "accuracy"));
      figure.series.back().name = norm;
    }
    report.add(std::move(figure));
    found += fmt::format("{}{} times as high with {}", found.empty() ? "" : " and ",
                         rounded(ratio_of(with, without).mean), activation);
  }
  report.set_sentence("With BN, the highest learning rate of the grid that still trains is " + found +
                      " units (geometric means over the seeds).");
}

}  // namespace

Claim higher_learning_rates() {
  return {.id = "higher-learning-rates",
          .title = "BN allows higher learning rates",
          .sources = {{Article::transforms, "higher learning rates"},
                      {Article::glossary, "higher learning rates"},
                      {Article::faster, "higher learning rates"},
                      {Article::dropout, "higher learning rates"}},
          .question = "How much higher is the highest learning rate that still trains, with BN?",
          .setting = fmt::format(
              "784-100-100-100-10, He initialisation (sigmoid: N(0, 0.05^2)), SGD, batches of 60, {} steps, "
              "learning rates from 0.01 to 100",
              with_commas(kSweptSteps)),
          .measure =
              "The highest rate of the grid with a test accuracy of at least 90 % at the end; with BN over "
              "without",
          .plan = plan_rate_sweep,
          .expected_seeds = 2,
          .judge = judge};
}

}  // namespace keel::study
