#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/step_time.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr double kNoticeable = 1.05;
struct Width {
  Index units;
  Expectation expected, expected_to;  // of a step with BN over one without
};
const std::vector<Width> kWidths = {{100, 1.2, 1.3}, {512, 1, 1}};

std::string label(Index width) { return fmt::format("width {}", width); }

void plan(Plan& plan) {
  for (const Width& width : kWidths) {
    plan.add(label(width.units), step_time(), timed_with_norm(width.units, plan));
  }
}

struct Compared {
  std::string what;     // is slower
  std::string with;     // the time's name in the arm with BN
  std::string without;  // and in the arm without
};
const std::vector<Compared> kCompared = {{"a step of training", "step", "step"},
                                         {"inference", "forward", "forward"},
                                         {"inference with BN folded into the weights", "folded", "forward"}};

void judge(const Plan&, const Results& results, Report& report) {
  Figure figure{.title = "Time with BN over time without",
                .x_label = "",
                .y_label = "ratio",
                .series = {},
                .categories = {"training", "inference", "inference, folded"}};
  std::vector<std::string> found, steps;
  for (const auto& [width, expected, expected_to] : kWidths) {
    Series series{.name = label(width), .x = {}, .y = {}};
    for (const Compared& one : kCompared) {
      const std::vector<double> with = results.values(label(width), "batch/" + one.with);
      const std::vector<double> without = results.values(label(width), "none/" + one.without);
      // Folded it is the network without BN, by construction.
      if (one.with != "folded")
        report.expect_ratio(fmt::format("At width {}, BN makes {} slower by more than {:.0f} %", width,
                                        one.what, 100 * (kNoticeable - 1)),
                            with, without, kNoticeable);
      std::vector<double> ratios;
      for (std::size_t i = 0; i < with.size(); ++i) ratios.push_back(with[i] / without[i]);
      if (one.with != "folded") {
        report.add({fmt::format("microseconds for {}, {}, none", one.what, label(width)), without});
      }
      report.add({fmt::format("microseconds for {}, {}, BN", one.what, label(width)), with});
      if (one.with == "step") {
        const Interval ratio = ratio_of(with, without);
        steps.push_back(fmt::format("{:.3f} to {:.3f} at width {}", ratio.low, ratio.high, width));
        report.add(
            {fmt::format("time of a step, {}, BN over none", label(width)), ratios, expected, expected_to});
      }
      found.push_back(fmt::format("{:+.1f} %", 100 * (ratio_of(with, without).mean - 1)));
      series.x.push_back(static_cast<double>(series.x.size()));
      series.y.push_back(std::move(ratios));
    }
    figure.series.push_back(std::move(series));
  }
  for (const Width& width : kWidths)
    add_others(results, label(width.units), ", " + label(width.units), report);
  report.add(std::move(figure));
  report.note_on_expected(
      "What was expected is of PyTorch (scripts/study_pytorch.py overhead), in which a step of a network of "
      "width 100 takes longer and BN adds more to it, probably as calling an operation costs more; here BN "
      "costs what its passes over the data take.");
  report.note(
      fmt::format("The intervals of the ratios of a step are {} and {}. One that lies above 1 says that BN "
                  "makes it slower; "
                  "the claim is held to more, as that costs something whatever its size.",
                  steps[0], steps[1]));
  report.set_sentence(
      fmt::format("BN changes the time of a step by {} at width {} and by {} at width {}; that of inference "
                  "by {} and {}, and by {} and {} once it is folded into the weights. Only what lies above "
                  "{:+.0f} % with its whole interval counts as slower.",
                  found[0], kWidths[0].units, found[3], kWidths[1].units, found[1], found[4], found[2],
                  found[5], 100 * (kNoticeable - 1)));
}

}  // namespace

Claim overhead() {
  return {
      .id = "overhead",
      .title = "BN makes training and inference slower",
      .sources = {{Article::transforms, "slower training"}, {Article::faster, "slower training"}},
      .question = "How much longer do a step of training and a forward pass take with BN?",
      .setting =
          "784-100-100-100-10 and 784-512-512-512-10, ReLU, SGD, batches of 60, one thread, no other trial "
          "running; both arms in turn",
      .measure = fmt::format("Medians of repetitions; only more than {:.0f} % counts as slower: the interval "
                             "of the ratio with BN over without lies above {:g}",
                             100 * (kNoticeable - 1), kNoticeable),
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
