#include <fmt/format.h>

#include <algorithm>

#include "study/claim.h"
#include "study/compare.h"
#include "study/probe_sweeps.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// How many of the deviations train, a count a seed.
std::vector<double> count_good(const Results& results, const std::string& arm) {
  std::vector<double> counts;
  for (const double deviation : kSweptDeviations) {
    const std::vector<double> accuracies = results.values(at_deviation(arm, deviation), "accuracy");
    counts.resize(accuracies.size(), 0);
    for (std::size_t seed = 0; seed < counts.size(); ++seed)
      counts[seed] += accuracies[seed] >= kTrains ? 1 : 0;
  }
  return counts;
}

// Up to a deviation, one a seed.
std::vector<double> lowest(const Results& results, const std::string& arm, double up_to) {
  std::vector<double> found;
  for (const double deviation : kSweptDeviations) {
    if (deviation > up_to) break;
    const std::vector<double> accuracies = results.values(at_deviation(arm, deviation), "accuracy");
    found.resize(accuracies.size(), 1);
    std::transform(found.begin(), found.end(), accuracies.begin(), found.begin(),
                   [](double a, double b) { return std::min(a, b); });
  }
  return found;
}

void judge(const Plan&, const Results& results, Report& report) {
  std::string found;
  for (const std::string activation : kSweptActivations) {
    const std::string none = swept_arm(activation, "none"), batch = swept_arm(activation, "batch");
    const std::vector<double> without = count_good(results, none), with = count_good(results, batch);
    report.expect_more(fmt::format("{}: more initialisations train with BN than without", activation), with,
                       without);
    Number number{fmt::format("{}: of {} deviations train, none", activation, kSweptDeviations.size()),
                  without};
    if (activation == "relu") number.expected = 2;
    report.add(number);
    report.add(
        Number{fmt::format("{}: of {} deviations train, BN", activation, kSweptDeviations.size()), with});
    if (activation == "relu") {
      report.add(Number{"relu, deviation 0.01: accuracy, none",
                        results.values(at_deviation(none, 0.01), "accuracy"), 0, kTrains});
      report.add(
          Number{"relu, deviations 0.001 to 0.5: lowest accuracy, BN", lowest(results, batch, 0.5), 0.93, 1});
      report.add(Number{"relu, deviation 5: accuracy, BN", results.values(at_deviation(batch, 5), "accuracy"),
                        0.69});
    } else {
      report.add(Number{"sigmoid, deviation 0.5: accuracy, none",
                        results.values(at_deviation(none, 0.5), "accuracy"), 0.91});
      report.add(Number{"sigmoid, deviation 0.5: accuracy, BN",
                        results.values(at_deviation(batch, 0.5), "accuracy"), 0.91});
    }
    Figure figure{.title = "Test accuracy by the deviation of initial weights, " + activation,
                  .x_label = "standard deviation of initial weights",
                  .y_label = "test accuracy",
                  .series = {},
                  .log_x = true};
    for (const char* norm : kWithoutAndWith) {
      std::vector<std::string> labels;
      for (const double deviation : kSweptDeviations) {
        labels.push_back(at_deviation(swept_arm(activation, norm), deviation));
      }
      figure.series.push_back(over_trials(results, norm, kSweptDeviations, labels));
    }
    report.add(std::move(figure));
    found += fmt::format("{}{:.1f} against {:.1f} with {} units", found.empty() ? "" : ", ", mean_of(with),
                         mean_of(without), activation);
  }
  report.set_sentence(
      fmt::format("Of {} scales of the initial weights, these many train with BN against without: {}.",
                  kSweptDeviations.size(), found));
}

}  // namespace

Claim less_sensitive_to_initialization() {
  return {.id = "less-sensitive-to-initialization",
          .title = "BN makes training less sensitive to initialisation",
          .sources = {{Article::transforms, "less sensitive to initialization"},
                      {Article::glossary, "less sensitive to initialization"},
                      {Article::faster, "less sensitive to initialization"}},
          .question = "At how many scales of the initial weights does the network train?",
          .setting = fmt::format(
              "784-100-100-100-10, weights N(0, s^2) with s from 0.001 to 5, SGD, learning rate 0.1, batches "
              "of 60, {} steps",
              with_commas(kSweptSteps)),
          .measure =
              "The number of scales with a test accuracy of at least 90 % at the end; with BN minus without",
          .plan = plan_deviation_sweep,
          .expected_seeds = 2,
          .judge = judge};
}

}  // namespace keel::study
