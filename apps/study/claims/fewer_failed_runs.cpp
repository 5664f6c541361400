#include <fmt/format.h>

#include "study/claim.h"
#include "study/probe_sweeps.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

void plan(Plan& plan) {
  plan_rate_sweep(plan);
  plan_deviation_sweep(plan);
}

// Runs that do not train, over both sweeps and both activations; a count a seed.
std::vector<double> failures(const Results& results, const char* norm) {
  std::vector<double> counts;
  const auto count = [&](const std::string& label) {
    const std::vector<double> accuracies = results.values(label, "accuracy");
    counts.resize(accuracies.size(), 0);
    for (std::size_t seed = 0; seed < counts.size(); ++seed)
      counts[seed] += accuracies[seed] < kTrains ? 1 : 0;
  };
  for (const char* activation : kSweptActivations) {
    const std::string arm = swept_arm(activation, norm);
    for (const double rate : kSweptRates) count(at_rate(arm, rate));
    for (const double deviation : kSweptDeviations) count(at_deviation(arm, deviation));
  }
  return counts;
}

void judge(const Plan&, const Results& results, Report& report) {
  const std::size_t settings = kSweptActivations.size() * (kSweptRates.size() + kSweptDeviations.size());
  const std::vector<double> without = failures(results, "none"), with = failures(results, "batch");
  report.expect_more("more runs fail without BN than with it", without, with);
  report.add(Number{fmt::format("runs of {} below 90 %, none", settings), without, 23});
  report.add(Number{fmt::format("runs of {} below 90 %, BN", settings), with, 8});
  report.add(Figure{.title = "Runs that do not reach 90 %",
                    .x_label = "",
                    .y_label = fmt::format("runs of {}", settings),
                    .series = {{"none", {0}, {without}}, {"batch", {1}, {with}}},
                    .categories = {"none", "batch"}});
  report.set_sentence(fmt::format("Of {} settings, {:.1f} fail without BN and {:.1f} with it.", settings,
                                  mean_of(without), mean_of(with)));
}

}  // namespace

Claim fewer_failed_runs() {
  return {.id = "fewer-failed-runs",
          .title = "Fewer training runs fail with BN",
          .sources = {{Article::glossary, "fewer failed training runs"}},
          .question = "Over wide sweeps of learning rates and initialisations, how many runs fail?",
          .setting = fmt::format(
              "784-100-100-100-10 with ReLU and sigmoid, {} steps: learning rates 0.01 to 100, and initial "
              "weights N(0, s^2) with s from 0.001 to 5 at rate 0.1",
              with_commas(kSweptSteps)),
          .measure = "The number of runs with a test accuracy below 90 %; without BN minus with it",
          .plan = plan,
          .expected_seeds = 2,
          .judge = judge};
}

}  // namespace keel::study
