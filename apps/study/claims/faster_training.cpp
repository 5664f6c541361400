#include <fmt/format.h>

#include <tuple>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/probe_sweeps.h"
#include "study/speed.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// A rate at which the sigmoid network crawls, for both arms.
constexpr double kTooSmall = 0.1;
constexpr const char* kTarget = "97";
// "5-10 times faster"
constexpr double kClaimed = 5;

constexpr Index kSigmoidSteps = 10000;
Index sigmoid_steps_of(const Plan& plan) { return plan.choose<Index>(2000, kSigmoidSteps); }

void plan(Plan& plan) {
  plan_speed(plan);
  for (const char* norm : kWithoutAndWith) {
    Json setting = probe({.activation = "sigmoid", .norm = norm}, kTooSmall, sigmoid_steps_of(plan));
    setting["evaluate_every"] = 100;
    setting["targets"] = {90};
    plan.add(swept_arm("sigmoid", norm), train_and_test(), setting);
  }
}

void judge(const Plan& plan, const Results& results, Report& report) {
  const double steps = speed_steps(plan);
  const auto limit = static_cast<double>(sigmoid_steps_of(plan));
  const AtBestRate best_without = best_for(results, plan, "none", kTarget);
  const AtBestRate best_with = best_for(results, plan, "batch", kTarget);
  const Reached without = reached(results, at_rate("none", best_without.rate), kTarget, steps);
  const Reached with = reached(results, at_rate("batch", best_with.rate), kTarget, steps);
  report.expect_ratio("each arm at its best learning rate, BN reaches 97 % in at most a fifth of the steps",
                      without, with, kClaimed);
  const Reached slow = reached(results, swept_arm("sigmoid", "none"), "90", limit);
  const Reached fast = reached(results, swept_arm("sigmoid", "batch"), "90", limit);
  report.expect_ratio(
      "at a shared rate that is too small (sigmoid, 0.1), BN reaches 90 % in at most a fifth of the "
      "steps",
      slow, fast, kClaimed);
  for (const SpeedTarget& target : kSpeedTargets) {
    for (const auto& [norm, best_rate, expected] :
         {std::tuple("none", best_without, target.without), std::tuple("batch", best_with, target.with)}) {
      const Reached steps_to = reached(results, at_rate(norm, best_rate.rate), target.percent, steps);
      report.add(Number{fmt::format("steps to {} %, {}{}{}", target.percent, norm,
                                    best_rate.shown(" at rate"), steps_to.remark()),
                        steps_to.steps, expected});
    }
  }
  report.add(Number{"sigmoid, rate 0.1: steps to 90 %, none" + slow.remark(), slow.steps, 8500, limit});
  report.add(Number{"sigmoid, rate 0.1: steps to 90 %, batch" + fast.remark(), fast.steps, 0, 1000});
  report.add(Figure{.title = "Each arm at its own best learning rate",
                    .x_label = "step",
                    .y_label = "test accuracy",
                    .series = {curve_of(results, at_rate("none", best_without.rate), "accuracy", "none"),
                               curve_of(results, at_rate("batch", best_with.rate), "accuracy", "batch")}});
  const Interval ratio = ratio_of(without.steps, with.steps);
  report.set_sentence(fmt::format(
      "To 97 %, each at its best learning rate, the network without BN takes {}{} times the steps of that "
      "with it ({} to "
      "{}); to 90 % at a shared rate that is far too small, {}{} times.",
      without.all() ? "" : "at least ", rounded(ratio.mean), rounded(ratio.low), rounded(ratio.high),
      slow.all() ? "" : "at least ", rounded(ratio_of(slow.steps, fast.steps).mean)));
}

}  // namespace

Claim faster_training() {
  return {
      .id = "faster-training",
      .title = "BN trains 5 to 10 times faster",
      .sources = {{Article::glossary, "5-10 times faster"}},
      .question = "How many times fewer steps does BN need, when each arm has its own best learning rate?",
      .setting =
          fmt::format("784-100-100-100-10, ReLU, He initialisation, SGD, batches of 60, {} steps, learning "
                      "rates 0.03 to 3; and sigmoid units at a shared rate of 0.1, {} steps",
                      with_commas(kSpeedSteps), with_commas(kSigmoidSteps)),
      .measure =
          "Steps to a test accuracy of 97 %, at the rate of the grid where an arm's mean is smallest; "
          "without BN over with it",
      .plan = plan,
      .expected_seeds = 2,
      .judge = judge};
}

}  // namespace keel::study
