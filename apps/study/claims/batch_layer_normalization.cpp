#include <fmt/format.h>

#include <map>

#include "study/batch_size_sweep.h"
#include "study/claim.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<std::string> kArms = {"batch", "layer", "bln", "bln unscaled"};
// At batches of these sizes each arm also has its own best learning rate.
const std::vector<Index> kOwnRates = {8, 64};
const std::vector<double> kRates = {0.01, 0.03, 0.1, 0.3, 1};
const std::vector<Index> kExpectedSizes = {2, 4, 8, 16, 64};
const std::vector<Expectation> kAsCoded = {0.923, 0.917, 0.931, 0.937, 0.945};
const std::vector<Expectation> kUnscaled = {0.902, "0.940", 0.956, 0.962, 0.966};

void plan(Plan& plan) {
  plan_batch_size_sweep(plan, kArms);
  for (const Index size : kOwnRates) plan_rates_at_batch_size(plan, kArms, size, kRates);
}

void judge(const Plan& plan, const Results& results, Report& report) {
  const auto accuracy = [&](const std::string& arm, Index size) {
    return results.values(at_batch_size(arm, size), "accuracy");
  };
  for (const Index size : {2, 8, 64}) {
    for (const char* other : {"batch", "layer"}) {
      report.expect_more(fmt::format("at batches of {}, BLN as coded is better than {}", size,
                                     other == std::string("batch") ? "BN" : "LN"),
                         accuracy("bln", size), accuracy(other, size));
    }
  }
  for (const Index size : kOwnRates) {
    std::map<std::string, std::vector<double>> best;
    for (const std::string& arm : kArms) {
      const AtBestRate found = at_best_rate(results, at_batch_size(arm, size), kRates);
      best[arm] = found.values;
      report.add(
          Number{fmt::format("accuracy, {}{}", shown_at_batch_size(arm, size), found.shown(", own rate")),
                 found.values});
    }
    for (const char* other : {"batch", "layer"}) {
      report.expect_more(
          fmt::format("at batches of {}, each at its best learning rate, BLN as coded is better than {}",
                      size, other == std::string("batch") ? "BN" : "LN"),
          best["bln"], best[other]);
    }
  }
  Figure figure{.title = "Test accuracy after one epoch",
                .x_label = "batch size",
                .y_label = "test accuracy",
                .series = {},
                .log_x = true};
  for (const std::string& arm : kArms) figure.series.push_back(over_batch_sizes(plan, results, arm));
  report.add(std::move(figure));
  for (std::size_t i = 0; i < kExpectedSizes.size(); ++i) {
    if (!results.has(at_batch_size("bln", kExpectedSizes[i]))) continue;
    report.add(Number{"accuracy, " + shown_at_batch_size("bln", kExpectedSizes[i]),
                      accuracy("bln", kExpectedSizes[i]), kAsCoded[i]});
    report.add(Number{"accuracy, " + shown_at_batch_size("bln unscaled", kExpectedSizes[i]),
                      accuracy("bln unscaled", kExpectedSizes[i]), kUnscaled[i]});
  }
  report.set_sentence(fmt::format(
      "After one epoch at batches of 2, 8 and 64, BLN as its authors coded it reaches {}, {} and {}; BN {}, "
      "{} and {}; "
      "LN {}, {} and {}.",
      percent(accuracy("bln", 2)), percent(accuracy("bln", 8)), percent(accuracy("bln", 64)),
      percent(accuracy("batch", 2)), percent(accuracy("batch", 8)), percent(accuracy("batch", 64)),
      percent(accuracy("layer", 2)), percent(accuracy("layer", 8)), percent(accuracy("layer", 64))));
}

}  // namespace

Claim batch_layer_normalization() {
  return {
      .id = "batch-layer-normalization",
      .title = "BLN is faster than BN and LN",
      .sources = {{Article::faster}},
      .question = "After one epoch, is BLN ahead of BN and of LN, and at which batch sizes?",
      .setting =
          "784-100-100-100-10, ReLU, He initialisation, SGD, one epoch at batches of m and a learning rate "
          "of 0.1 m / 64, at batches of 8 and 64 also at 0.01 to 1; BLN as its authors coded it, and without "
          "the "
          "division by the root of the width",
      .measure =
          "Test accuracy after the epoch, BLN minus the other; best learning rate: each seed at the rate at "
          "which an arm's mean over the other seeds is largest",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
