#include <fmt/format.h>

#include <algorithm>

#include "study/claim.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100};
constexpr double kGood = 0.9;

struct Activation {
  std::string name;
  double expected_without, expected_with;
};
const std::vector<Activation> kActivations = {{"relu", 0.3, 3}, {"sigmoid", 3, 30}};

std::string arm(const Activation& activation, const std::string& norm) {
  return activation.name + " " + norm;
}

void plan(Plan& plan) {
  for (const Activation& activation : kActivations) {
    for (const char* norm : {"none", "batch"}) {
      for (const double rate : kRates) {
        plan.add(at_rate(arm(activation, norm), rate), train_and_test(),
                 probe({.activation = activation.name, .norm = norm}, rate, plan.choose<Index>(1500, 3000)));
      }
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  std::string found;
  for (const Activation& activation : kActivations) {
    const auto highest = [&](const char* norm) {
      std::vector<double> rates = last_good_rate(results, arm(activation, norm), kRates, kGood);
      // Where none is good it lies below the grid: at most one step.
      for (double& rate : rates) rate = std::max(rate, kRates.front() / 3);
      return rates;
    };
    const std::vector<double> without = highest("none"), with = highest("batch");
    report.expect_ratio(
        fmt::format("{}: the highest good learning rate is higher with BN than without", activation.name),
        with, without, 1);
    report.add({activation.name + ": highest good rate, none", without, activation.expected_without});
    report.add({activation.name + ": highest good rate, BN", with, activation.expected_with});
    Figure figure{.title = "Test accuracy by learning rate, " + activation.name,
                  .x_label = "learning rate",
                  .y_label = "test accuracy",
                  .series = {},
                  .log_x = true};
    for (const char* norm : {"none", "batch"}) {
      figure.series.push_back(over_rates(results, arm(activation, norm), kRates, "accuracy"));
      figure.series.back().name = norm;
    }
    report.add(std::move(figure));
    found += fmt::format("{}{} times as high with {}", found.empty() ? "" : " and ",
                         rounded(ratio_of(with, without).mean), activation.name);
  }
  report.set_sentence("The highest learning rate of the grid that still trains is " + found +
                      " units with BN.");
}

}  // namespace

Claim higher_learning_rates() {
  return {.id = "higher-learning-rates",
          .title = "BN allows higher learning rates",
          .quote = "higher learning rates",
          .articles = {Article::transforms, Article::glossary, Article::faster, Article::dropout},
          .question = "How much higher is the highest learning rate that still trains, with BN?",
          .setting =
              "784-100-100-100-10, He initialisation (sigmoid: N(0, 0.05^2)), SGD, batches of 60, learning "
              "rates from 0.01 to 100",
          .measure =
              "The highest rate of the grid with a test accuracy of 90 % or more at the end; with BN over "
              "without, seed by seed",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
