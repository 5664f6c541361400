#include <fmt/format.h>

#include <utility>

#include "study/batch_size_sweep.h"
#include "study/claim.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

struct Expected {
  std::string arm;
  std::vector<Expectation> accuracies;  // at batches of 2, 4, 8, 16 and 64; or of none
};
const std::vector<Expected> kArms = {{"none", {0.95, 0.95, 0.95, 0.95, 0.95}},
                                     {"batch", {0.42, 0.92, 0.954, 0.959, 0.966}},
                                     {"layer", {"0.960", 0.959, 0.956, 0.961, 0.953}},
                                     {"group", {0.954, 0.956, 0.952, 0.959, 0.944}},
                                     {"rms", {}},
                                     {"renorm", {0.78, 0.949, "0.960", 0.964, 0.966}},
                                     {"weight", {}},
                                     {"weight, mean-only BN", {}},
                                     {"bln", {}},
                                     {"full", {0.964, 0.966, 0.963, 0.963, 0.959}}};
const std::vector<Index> kExpectedSizes = {2, 4, 8, 16, 64};
// What counts as a loss of accuracy.
constexpr double kLoss = 0.01;

void plan(Plan& plan) {
  std::vector<std::string> arms;
  for (const Expected& arm : kArms) arms.push_back(arm.arm);
  plan_batch_size_sweep(plan, arms);
}

void judge(const Plan& plan, const Results& results, Report& report) {
  const auto accuracy = [&](const std::string& arm, Index size) {
    return results.values(at_batch_size(arm, size), "accuracy");
  };
  for (const Index size : swept_batch_sizes(plan)) {
    // "Fewer than 8 to 16": from 2 to 8. What BN is compared with decides, as LN is below BN at large
    // batches.
    if (size < 2 || size > 8) continue;
    report.expect_more(fmt::format("at batches of {}, BN loses more than a point against LN", size),
                       accuracy("layer", size), accuracy("batch", size), kLoss);
    report.expect_more(fmt::format("at batches of {}, BN loses more than a point against itself at 64", size),
                       accuracy("batch", 64), accuracy("batch", size), kLoss);
  }
  for (const auto& [arm, name] :
       {std::pair("layer", "LN"), {"group", "GN"}, {"renorm", "batch renormalisation"}}) {
    report.expect_more(fmt::format("at batches of 2, {} is better than BN", name), accuracy(arm, 2),
                       accuracy("batch", 2));
  }
  Figure figure{.title = "Test accuracy after one epoch",
                .x_label = "batch size",
                .y_label = "test accuracy",
                .series = {},
                .log_x = true};
  for (const Expected& arm : kArms) {
    for (std::size_t i = 0; i < arm.accuracies.size(); ++i) {
      if (!results.has(at_batch_size(arm.arm, kExpectedSizes[i]))) continue;
      const std::string label = at_batch_size(arm.arm, kExpectedSizes[i]);
      report.add(number_of(results, "accuracy, " + shown_at_batch_size(arm.arm, kExpectedSizes[i]), label,
                           "accuracy", arm.accuracies[i]));
    }
    figure.series.push_back(over_batch_sizes(plan, results, arm.arm));
  }
  report.add(std::move(figure));
  report.note_on_expected(
      "Neither is wrong: with the same groups PyTorch finds what is found here. GN's accuracy depends on its "
      "groups, and which were expected of is not known. Here they are 25 of 4 "
      "units; PyTorch (scripts/study_pytorch.py small-batches) comes nearer to what was expected with "
      "fewer.");
  const auto cost = [&](const char* arm) {
    return fmt::format("{:.1f}", 100 * difference_of(accuracy(arm, 64), accuracy(arm, 2)).mean);
  };
  report.note(
      fmt::format("Batches of 2 in place of 64 cost BN {} points of accuracy, batch renormalisation with its "
                  "warm start {}, "
                  "GN {} and LN {}.",
                  cost("batch"), cost("renorm"), cost("group"), cost("layer")));
  report.set_sentence(fmt::format(
      "At batches of 2, BN reaches {}, against {} with LN, {} with GN and {} with batch renormalisation; at "
      "batches of "
      "8 it reaches {}, and LN {}.",
      percent(accuracy("batch", 2)), percent(accuracy("layer", 2)), percent(accuracy("group", 2)),
      percent(accuracy("renorm", 2)), percent(accuracy("batch", 8)), percent(accuracy("layer", 8))));
}

}  // namespace

Claim small_batches() {
  return {
      .id = "small-batches",
      .title = "BN is bad at small batches, below 8 to 16",
      .sources = {{Article::transforms, "small batches"},
                  {Article::glossary, "fewer than 8-16"},
                  {Article::faster, "small batches"}},
      .question = "From which batch size down does BN lose accuracy, and which norms do not?",
      .setting =
          "784-100-100-100-10, ReLU, He initialisation, SGD, one epoch at batches of m and a learning rate "
          "of 0.1 m / 64; GN with 25 groups of 4, WN started by 500 examples, BatchRenorm relaxed between 5 "
          "and 33 % of the steps, FullNorm's alpha 0.1 m / 64 "
          "+ 0.01",
      .measure =
          "Test accuracy after the epoch, LN minus BN and BN at batches of 64 minus BN, above one point; at "
          "batches of 2 LN, GN and batch renormalisation minus BN",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
