#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr double kRate = 0.1, kRaw = 255;
constexpr Index kSteps = 3000;
// For raw pixels without BN, whose gradients are as much larger.
const std::vector<double> kRawRates = {1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.1};

Json setting(const Plan& plan, const std::string& norm, double rate, double scale) {
  Json setting = probe({.norm = norm}, rate, plan.choose<Index>(600, kSteps));
  if (scale != 1) setting["input_scale"] = scale;
  return setting;
}

void plan(Plan& plan) {
  for (const char* norm : {"none", "batch"}) {
    plan.add(fmt::format("{} scaled", norm), train_and_test(), setting(plan, norm, kRate, 1));
  }
  plan.add("batch raw", train_and_test(), setting(plan, "batch", kRate, kRaw));
  for (const double rate : kRawRates) {
    plan.add(at_rate("none raw", rate), train_and_test(), setting(plan, "none", rate, kRaw));
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const std::string& label) { return results.values(label, "accuracy"); };
  const AtBestRate best = at_best_rate(results, "none raw", kRawRates);
  const std::vector<double> none_raw = accuracy(at_rate("none raw", kRate));
  const std::vector<double>& none_best = best.values;
  report.expect_more("without BN, scaled inputs do better than raw ones at the same learning rate",
                     accuracy("none scaled"), none_raw);
  report.expect_more("without BN, they do better even than raw ones at their best learning rate",
                     accuracy("none scaled"), none_best);
  report.expect_more("with BN, too, scaled inputs do better than raw ones, by more than 0.2 points",
                     accuracy("batch scaled"), accuracy("batch raw"), kTie);
  report.add(Number{"accuracy, BN, raw", accuracy("batch raw"), 0.9745});
  report.add(Number{"accuracy, BN, scaled", accuracy("batch scaled"), 0.974});
  report.add(
      number_of(results, "accuracy, none, raw, rate 0.1", at_rate("none raw", kRate), "accuracy", "0.10"));
  report.add(Number{"accuracy, none, raw" + best.shown(", best rate"), none_best, 0.89});
  report.add(Number{"accuracy, none, scaled", accuracy("none scaled")});
  Figure figure{.title = "Raw pixels (0 to 255) against scaled ones (0 to 1)",
                .x_label = "",
                .y_label = "test accuracy",
                .series = {{"none", {0, 1, 2}, {accuracy("none scaled"), none_raw, none_best}},
                           {"batch", {0, 1}, {accuracy("batch scaled"), accuracy("batch raw")}}},
                .categories = {"scaled", "raw", "raw, best rate"}};
  report.add(std::move(figure));
  report.set_sentence(
      fmt::format("With BN the network reaches {} on raw pixels and {} on scaled ones; without, {} on raw "
                  "ones at the same "
                  "learning rate and {} at its best, and {} on scaled ones.",
                  percent(accuracy("batch raw")), percent(accuracy("batch scaled")), percent(none_raw),
                  percent(none_best), percent(accuracy("none scaled"))));
}

}  // namespace

Claim raw_inputs() {
  return {
      .id = "raw-inputs",
      .title = "Inputs should still be normalised",
      .sources = {{Article::dropout, "should still normalize"}},
      .question = "What do scaled inputs gain, without BN, and what when there is BN to scale what follows?",
      .setting = fmt::format(
          "784-100-100-100-10, ReLU, He initialisation, SGD, batches of 60, {} steps, pixels as 0 to 255 "
          "or 0 to 1",
          with_commas(kSteps)),
      .measure =
          "Test accuracy at the end, scaled minus raw; best rate: each seed at the rate at which the "
          "mean over the other seeds is largest",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
