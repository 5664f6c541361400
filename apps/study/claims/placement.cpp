#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.1, 0.3, 1, 3, 10};
constexpr Index kSteps = 3000;
const std::vector<std::string> kActivations = {"relu", "sigmoid"};

std::string arm(const std::string& activation, bool after) {
  return fmt::format("{} {}", activation, after ? "after" : "before");
}

void plan(Plan& plan) {
  for (const std::string& activation : kActivations) {
    for (const bool after : {false, true}) {
      for (const double rate : kRates) {
        plan.add(at_rate(arm(activation, after), rate), train_and_test(),
                 probe({.activation = activation, .norm = "batch", .norm_after = after}, rate,
                       plan.choose<Index>(600, kSteps)));
      }
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  std::string found;
  for (const std::string& activation : kActivations) {
    const auto at_best = [&](bool after) {
      const std::string name = arm(activation, after);
      const AtBestRate best = at_best_rate(results, name, kRates);
      report.add(Number{fmt::format("accuracy, {}{}", name, best.shown(", rate")), best.values});
      return best.values;
    };
    const std::vector<double> before = at_best(false), after = at_best(true);
    report.expect_more(
        activation + ": BN in front of the activation is better than behind it, by more than 0.2 points",
        before, after, kTie);
    Figure figure{.title = "Test accuracy by learning rate, " + activation,
                  .x_label = "learning rate",
                  .y_label = "test accuracy",
                  .series = {},
                  .log_x = true};
    for (const bool is_after : {false, true}) {
      figure.series.push_back(over_rates(results, arm(activation, is_after), kRates, "accuracy"));
      figure.series.back().name = is_after ? "after" : "before";
    }
    report.add(std::move(figure));
    found += fmt::format("{}with {} units {} in front and {} behind", found.empty() ? "" : ", ", activation,
                         percent(before), percent(after));
  }
  report.set_sentence("Each at its best learning rate: " + found + " the activation.");
}

}  // namespace

Claim placement() {
  return {.id = "placement",
          .title = "BN belongs in front of the activation",
          .sources = {{Article::paper, "immediately before the nonlinearity"}},
          .question = "Is BN better in front of the activation or behind it?",
          .setting = fmt::format(
              "784-100-100-100-10 with ReLU and sigmoid units, SGD, batches of 60, {} steps, learning rates "
              "0.1 to 10",
              with_commas(kSteps)),
          .measure =
              "Test accuracy at the end, each seed at the rate of the grid at which an arm\'s mean over the "
              "other seeds is largest; before minus after",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
