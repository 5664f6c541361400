#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

struct Expected {
  std::string arm;
  std::vector<Expectation> accuracies;  // at 1, 2, 5 and 10 classes a batch; or of all, at least
};
const std::vector<Expected> kArms = {{"none", {"0.96"}},
                                     {"batch", {0.16, 0.81, "0.970", "0.970"}},
                                     {"renorm", {0.52, 0.962, "0.970", 0.971}},
                                     {"full", {0.957, 0.966, "0.970", 0.968}},
                                     {"layer", {"0.96"}}};
const std::vector<Index> kClasses = {1, 2, 5, 10};
constexpr Index kSteps = 3000;

std::string at(const std::string& arm, Index classes) {
  return fmt::format("{} of {} classes", arm, classes);
}

void plan(Plan& plan) {
  constexpr double kRate = 0.05, kAlpha = 0.1;
  const Index steps = plan.choose<Index>(600, kSteps);
  for (const Expected& arm : kArms) {
    std::string norm = arm.arm;
    if (norm == "full") norm = norm_layer("full", {{"alpha", kAlpha}}).dump();
    if (norm == "renorm") {
      norm =
          norm_layer("renorm",
                     {{"relaxation_begin", steps / 20}, {"r_max_end", steps / 3}, {"d_max_end", steps / 5}})
              .dump();
    }
    for (const Index classes : kClasses) {
      Json setting = probe({.norm = norm}, kRate, steps);
      setting["classes_per_batch"] = classes;
      plan.add(at(arm.arm, classes), train_and_test(), setting);
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const std::string& arm, Index classes) {
    return results.values(at(arm, classes), "accuracy");
  };
  report.expect_more("BN is worse at one class a batch than at ten", accuracy("batch", 10),
                     accuracy("batch", 1));
  report.expect_more("BN is worse at two classes a batch than at ten", accuracy("batch", 10),
                     accuracy("batch", 2));
  report.expect_more("FN is better than BN at one class a batch", accuracy("full", 1), accuracy("batch", 1));
  report.expect_more("FN is better than BN at two classes a batch", accuracy("full", 2),
                     accuracy("batch", 2));
  report.expect_more("FN at one class a batch is within two points of BN at ten", accuracy("full", 1),
                     accuracy("batch", 10), -0.02);
  Figure figure{.title = "Test accuracy by the number of classes in a batch",
                .x_label = "classes in a batch of 60",
                .y_label = "test accuracy",
                .series = {}};
  for (const Expected& arm : kArms) {
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      labels.push_back(at(arm.arm, kClasses[i]));
      const char* words = kClasses[i] == 1 ? "class a batch" : "classes a batch";
      Number number =
          number_of(results, fmt::format("accuracy, {}, {} {}", arm.arm, kClasses[i], words), labels.back());
      const bool at_least = arm.accuracies.size() == 1;
      number.expected = arm.accuracies[at_least ? 0 : i];
      if (at_least) number.expected_to = 1;
      report.add(std::move(number));
    }
    figure.series.push_back(over_trials(results, arm.arm, {kClasses.begin(), kClasses.end()}, labels));
  }
  report.add(std::move(figure));
  report.set_sentence(fmt::format(
      "With one class in each batch, BN reaches {}, batch renormalisation {}, FN {}, LN {} and no norm {}; "
      "with two, {}, {}, {}, {} and {}.",
      percent(accuracy("batch", 1)), percent(accuracy("renorm", 1)), percent(accuracy("full", 1)),
      percent(accuracy("layer", 1)), percent(accuracy("none", 1)), percent(accuracy("batch", 2)),
      percent(accuracy("renorm", 2)), percent(accuracy("full", 2)), percent(accuracy("layer", 2)),
      percent(accuracy("none", 2))));
}

}  // namespace

Claim non_ideal_batches() {
  return {
      .id = "non-ideal-batches",
      .title = "Full Normalization mends what batches of few classes do to BN",
      .sources = {{Article::faster}},
      .question = "When a batch has examples of few classes only, which norms still learn?",
      .setting = fmt::format(
          "784-100-100-100-10, ReLU, He initialisation, SGD, learning rate 0.05, batches of 60 from 1, 2, 5 "
          "or 10 classes, {} steps; FN as reconstructed, alpha 0.1",
          with_commas(kSteps)),
      .measure = "Test accuracy at the end, arm minus arm",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
