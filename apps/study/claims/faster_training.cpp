#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/probe_sweeps.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.03, 0.1, 0.3, 1, 3};
// A rate at which the sigmoid network crawls, for both arms.
constexpr double kTooSmall = 0.1;
constexpr const char* kTarget = "steps_to/97";

struct Expected {
  const char* target;
  double without, with;
};
constexpr Expected kExpected[] = {{"95", 650, 350}, {"97", 2350, 1150}, {"97.5", 3550, 2150}};

Index steps_of(const Plan& plan) { return plan.choose<Index>(3000, 6000); }
Index sigmoid_steps_of(const Plan& plan) { return plan.choose<Index>(3000, 10000); }

void plan(Plan& plan) {
  for (const char* norm : kWithoutAndWith) {
    for (const double rate : kRates) {
      Json setting = probe({.norm = norm}, rate, steps_of(plan));
      setting["evaluate_every"] = 50;
      setting["targets"] = {95, 97, 97.5};
      plan.add(at_rate(norm, rate), train_and_test(), setting);
    }
    Json setting = probe({.activation = "sigmoid", .norm = norm}, kTooSmall, sigmoid_steps_of(plan));
    setting["evaluate_every"] = 100;
    setting["targets"] = {90};
    plan.add(swept_arm("sigmoid", norm), train_and_test(), setting);
  }
}

void judge(const Plan& plan, const Results& results, Report& report) {
  // Who does not reach a target is taken to reach it at the end: that favours the slower arm.
  const auto steps = static_cast<double>(steps_of(plan));
  const double rate_without = best_rate(results, "none", kRates, kTarget, false, 2 * steps);
  const double rate_with = best_rate(results, "batch", kRates, kTarget, false, 2 * steps);
  const auto steps_to = [&](const char* norm, double rate, const char* target) {
    return values_or(results, at_rate(norm, rate), std::string("steps_to/") + target, steps);
  };
  const std::vector<double> without = steps_to("none", rate_without, "97");
  const std::vector<double> with = steps_to("batch", rate_with, "97");
  report.expect_ratio("at each arm's best learning rate, BN reaches 97 % in fewer steps", without, with, 1);
  report.expect_ratio("at each arm's best learning rate, BN reaches 97 % in at most a fifth of the steps",
                      without, with, 5);
  const std::string path = "steps_to/90";
  const auto limit = static_cast<double>(sigmoid_steps_of(plan));
  const std::vector<double> slow = values_or(results, swept_arm("sigmoid", "none"), path, limit);
  const std::vector<double> fast = values_or(results, swept_arm("sigmoid", "batch"), path, limit);
  report.expect_ratio(
      "at a shared rate that is too small (sigmoid, 0.1), BN reaches 90 % in at most a fifth of the "
      "steps",
      slow, fast, 5);
  for (const Expected& expected : kExpected) {
    report.add(Number{fmt::format("steps to {} %, none at its best rate {:g}", expected.target, rate_without),
                      steps_to("none", rate_without, expected.target), expected.without});
    report.add(Number{fmt::format("steps to {} %, BN at its best rate {:g}", expected.target, rate_with),
                      steps_to("batch", rate_with, expected.target), expected.with});
  }
  report.add(Number{"sigmoid, rate 0.1: steps to 90 %, none (or the end)", slow, 8500, limit});
  report.add(Number{"sigmoid, rate 0.1: steps to 90 %, BN", fast, 0, 1000});
  report.add(Figure{.title = "Each arm at its own best learning rate",
                    .x_label = "step",
                    .y_label = "test accuracy",
                    .series = {curve_of(results, at_rate("none", rate_without), "accuracy", "none"),
                               curve_of(results, at_rate("batch", rate_with), "accuracy", "batch")}});
  const Interval ratio = ratio_of(without, with);
  report.set_sentence(fmt::format(
      "Each at its best learning rate, BN needs {} times fewer steps to 97 % ({} to {}); at a shared rate "
      "that is "
      "far too small it needs at least {} times fewer.",
      rounded(ratio.mean), rounded(ratio.low), rounded(ratio.high), rounded(ratio_of(slow, fast).mean)));
}

}  // namespace

Claim faster_training() {
  return {
      .id = "faster-training",
      .title = "BN trains 5 to 10 times faster",
      .quote = "5-10 times faster",
      .articles = {Article::glossary, Article::transforms, Article::dropout},
      .question = "How many times fewer steps does BN need, when each arm has its own best learning rate?",
      .setting =
          "784-100-100-100-10, ReLU, He initialisation, SGD, batches of 60, learning rates 0.03 to 3; and "
          "sigmoid units at a shared rate of 0.1",
      .measure =
          "Steps to a test accuracy of 97 %, at the rate of the grid where an arm's mean is smallest; "
          "without BN over with it",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
