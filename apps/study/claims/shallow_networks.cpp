#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.03, 0.1, 0.3, 1, 3};
constexpr Index kSteps = 3000;

void plan(Plan& plan) {
  for (const char* norm : {"none", "batch"}) {
    for (const double rate : kRates) {
      plan.add(at_rate(norm, rate), train_and_test(),
               probe({.depth = 1, .norm = norm}, rate, plan.choose<Index>(600, kSteps)));
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const AtBestRate best_none = at_best_rate(results, "none", kRates);
  const AtBestRate best_batch = at_best_rate(results, "batch", kRates);
  const std::vector<double>&none = best_none.values, &batch = best_batch.values;
  report.expect_more(
      "each at its best learning rate, the test accuracy is higher with BN, by more than 0.2 points", batch,
      none, kTie);
  report.add(Number{"test accuracy, none" + best_none.shown(" at"), none, 0.969});
  report.add(Number{"test accuracy, batch" + best_batch.shown(" at"), batch, 0.975});
  report.add(Figure{.title = "Test accuracy by learning rate, one hidden layer",
                    .x_label = "learning rate",
                    .y_label = "test accuracy",
                    .series = {over_rates(results, "none", kRates, "accuracy"),
                               over_rates(results, "batch", kRates, "accuracy")},
                    .log_x = true});
  report.set_sentence(
      fmt::format("With one hidden layer, each at its best learning rate: {} with BN, {} without.",
                  percent(batch), percent(none)));
}

}  // namespace

Claim shallow_networks() {
  return {.id = "shallow-networks",
          .title = "Even shallow networks gain from BN",
          .sources = {{Article::dropout, "Even shallow networks"}},
          .question = "Does a network with one hidden layer end at a higher accuracy with BN?",
          .setting = fmt::format(
              "784-100-10, ReLU, He initialisation, SGD, batches of 60, {} steps, learning rates 0.03 to 3",
              with_commas(kSteps)),
          .measure =
              "Test accuracy at the end, each seed at the rate of the grid at which an arm\'s mean over the "
              "other seeds is largest; with BN minus without",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
