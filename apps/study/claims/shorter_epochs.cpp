#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/step_time.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// Of 60,000 examples in batches of 60.
constexpr double kStepsOfEpoch = 1000, kMicrosecond = 1e-6;
const std::vector<Index> kWidths = {100, 512};

std::string label(Index width) { return fmt::format("width {}", width); }

void plan(Plan& plan) {
  for (const Index width : kWidths) plan.add(label(width), step_time(), timed_with_norm(width, plan));
}

std::vector<double> seconds_of_epoch(const Results& results, Index width, const std::string& norm) {
  std::vector<double> times = results.values(label(width), norm + "/step");
  for (double& time : times) time *= kStepsOfEpoch * kMicrosecond;
  return times;
}

void judge(const Plan&, const Results& results, Report& report) {
  std::string found;
  Figure figure{.title = "Time of an epoch",
                .x_label = "",
                .y_label = "seconds",
                .series = {{"none", {}, {}}, {"batch", {}, {}}}};
  for (const Index width : kWidths) {
    const std::vector<double> without = seconds_of_epoch(results, width, "none");
    const std::vector<double> with = seconds_of_epoch(results, width, "batch");
    report.expect_ratio(fmt::format("At width {}, an epoch takes less time with BN than without", width),
                        without, with, 1);
    report.add({fmt::format("seconds of an epoch, {}, none", label(width)), without});
    report.add({fmt::format("seconds of an epoch, {}, BN", label(width)), with});
    for (Series& series : figure.series) {
      series.x.push_back(static_cast<double>(figure.categories.size()));
      series.y.push_back(series.name == "none" ? without : with);
    }
    figure.categories.push_back(label(width));
    found += fmt::format("{}{} s without BN and {} s with it at {}", found.empty() ? "" : ", and ",
                         rounded(mean_of(without)), rounded(mean_of(with)), label(width));
  }
  for (const Index width : kWidths) add_others(results, label(width), ", " + label(width), report);
  report.add(std::move(figure));
  report.set_sentence(fmt::format("An epoch takes {}.", found));
}

}  // namespace

Claim shorter_epochs() {
  return {
      .id = "shorter-epochs",
      .title = "BN reduces the time of an epoch",
      .sources = {{Article::dropout, "reduces training Epoch Times"}},
      .question = "Does an epoch, the same number of steps, take less time with BN?",
      .setting =
          "784-100-100-100-10 and 784-512-512-512-10, ReLU, SGD, batches of 60, one thread, no other trial "
          "running; both arms in turn",
      .measure =
          "Median time of a step, times the 1,000 steps of an epoch; the ratio without BN over with it, "
          "above 1",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
