#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<Arm> kArms = {{"none", 0.981}, {"batch", 0.983}};

void plan(Plan& plan) {
  constexpr double kRate = 0.1;
  for (const Arm& arm : kArms) {
    plan.add(arm.name, train_and_test(),
             probe({.depth = 2, .width = 512, .norm = arm.name}, kRate, plan.choose<Index>(1000, 10000)));
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> none = results.values("none", "accuracy"),
                            batch = results.values("batch", "accuracy");
  report.expect_more("the test accuracy is higher with BN", batch, none);
  add_numbers(report, results, kArms, "accuracy", "test accuracy");
  report.add(chart_of(results, kArms, "accuracy", "Test accuracy after ten epochs of all of MNIST",
                      "test accuracy"));
  const Interval gain = difference_of(batch, none);
  report.set_sentence(
      fmt::format("The test accuracy with BN is that without and {:+.2f} points ({:+.2f} to {:+.2f}).",
                  100 * gain.mean, 100 * gain.low, 100 * gain.high));
}

}  // namespace

Claim slightly_better_accuracy() {
  return {.id = "slightly-better-accuracy",
          .title = "BN ends at slightly better accuracies",
          .sources = {{Article::dropout, "slightly better accuracies"}},
          .question = "After ten epochs of all training images, is the test accuracy higher with BN?",
          .setting = "784-512-512-10, ReLU, SGD, learning rate 0.1, batches of 60, 10 epochs",
          .measure = "Test accuracy at the end, with BN minus without",
          .plan = plan,
          .expected_seeds = 2,
          .judge = judge};
}

}  // namespace keel::study
