#include <fmt/format.h>

#include <optional>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/step_time.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// 10 epochs of 60,000 examples in batches of 60.
constexpr Index kSteps = 10000;
constexpr double kMicrosecond = 1e-6, kNoticeable = 1.05;
const std::string kTimes = "times";

struct TimedArm {
  std::string name, norm;
  double dropout, seconds;
  std::optional<Expectation> accuracy;
};
const std::vector<TimedArm> kArms = {
    {"none", "none", 0, 18, {}}, {"BN", "batch", 0, 19, {}}, {"dropout", "none", 0.5, 41, 0.979}};

void plan(Plan& plan) {
  Json arms;
  for (const TimedArm& arm : kArms) {
    const auto training = [&arm](Index steps) {
      return probe({.depth = 2, .width = 512, .norm = arm.norm, .dropout = arm.dropout}, 0.1, steps);
    };
    arms[arm.name] = training(0);
    plan.add(arm.name, train_and_test(), training(plan.choose<Index>(1000, kSteps)));
  }
  plan.add(kTimes, step_time(),
           timed(std::move(arms), plan.choose<Index>(20, 50), plan.choose<Index>(9, 25)));
}

std::vector<double> seconds_of(const Results& results, const std::string& arm) {
  std::vector<double> times = results.values(kTimes, arm + "/step");
  for (double& time : times) time *= static_cast<double>(kSteps) * kMicrosecond;
  return times;
}

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> dropout = seconds_of(results, "dropout");
  std::string found;
  std::vector<Named> times;
  for (const TimedArm& arm : kArms) {
    const std::vector<double> seconds = seconds_of(results, arm.name);
    if (arm.dropout == 0) {
      report.expect_ratio(fmt::format("Steps with dropout take more than {:.0f} % longer than with {}",
                                      100 * (kNoticeable - 1), arm.name == "none" ? "neither" : arm.name),
                          dropout, seconds, kNoticeable);
    }
    times.push_back({arm.name, seconds});
    report.add({fmt::format("seconds for 10 epochs, {}", arm.name), seconds, arm.seconds});
    found += fmt::format("{}{} s ({})", found.empty() ? "" : ", ", rounded(mean_of(seconds)), arm.name);
  }
  for (const TimedArm& arm : kArms) {
    report.add(
        number_of(results, "test accuracy after them, " + arm.name, arm.name, "accuracy", arm.accuracy));
  }
  add_others(results, kTimes, "", report);
  report.add(chart_of_values("Time of the steps of 10 epochs", "seconds", times));
  report.set_sentence(fmt::format("The steps of 10 epochs take {}.", found));
  report.note_on_expected(
      "What was expected of the times is of PyTorch on a machine that is not known; PyTorch "
      "(scripts/study_pytorch.py "
      "dropout-slows-training) is timed on the one that trained it. Dropout costs less here probably because "
      "its random numbers are made of a counter, many at a time.");
}

}  // namespace

Claim dropout_slows_training() {
  return {.id = "dropout-slows-training",
          .title = "Dropout may slow down training",
          .sources = {{Article::dropout, "Dropout may slow down training"}},
          .question = "How much longer do the same steps take with dropout, and with BN?",
          .setting =
              "784-512-512-10, ReLU, SGD, batches of 60, dropout of one half behind each hidden layer, one "
              "thread, no other trial running; the arms in turn",
          .measure = fmt::format(
              "Median time of a step, times the 10,000 steps of 10 epochs; slower if the interval of the "
              "ratio lies above {:g}",
              kNoticeable),
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
