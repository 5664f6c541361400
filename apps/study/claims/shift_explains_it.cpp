#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/measurements/loss_landscape.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<Arm> kArms = {{"none", 0.964}, {"batch", 0.977}, {"noisy", 0.972}};

constexpr double kRate = 0.5;
constexpr Index kSteps = 3000;

std::string shift_of(const std::string& arm) { return "shift " + arm; }

void plan(Plan& plan) {
  for (const Arm& arm : kArms) {
    const std::string norm =
        arm.name == "noisy" ? norm_layer("noisy", {{"shift", 0.5}, {"max_scale", 1.25}}).dump() : arm.name;
    plan.add(arm.name, train_and_test(), probe({.norm = norm}, kRate, plan.choose<Index>(600, kSteps)));
    Json setting = probe({.norm = norm}, kRate, landscape_steps(plan));
    setting["probe_every"] = kLandscapeEvery;
    plan.add(shift_of(arm.name), loss_landscape(), setting);
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const char* arm) { return results.values(arm, "accuracy"); };
  const std::vector<double> none = accuracy("none"), batch = accuracy("batch"), noisy = accuracy("noisy");
  std::vector<double> lost, kept;
  for (std::size_t seed = 0; seed < none.size(); ++seed) {
    lost.push_back(batch[seed] - noisy[seed]);
    kept.push_back(noisy[seed] - none[seed]);
  }
  report.expect_more("with the shift put back behind it, BN is no better than no norm (to 0.2 points)", none,
                     noisy, -kTie);
  report.expect_more("the shift costs more than half of what BN gains", lost, kept);
  add_numbers(report, results, kArms, "accuracy", "test accuracy");
  for (const Arm& arm : kArms) {
    const std::string same = arm.name == "noisy" ? " (the noise the same before and after)" : "";
    report.add(Number{"relative change of a layer's gradient by those in front, " + arm.name + same,
                      results.values(shift_of(arm.name), "shift")});
  }
  report.add(
      chart_of(results, kArms, "accuracy", "Test accuracy, with noise put behind BN", "test accuracy"));
  report.set_sentence(fmt::format(
      "With random shifts and scales put behind BN in each step, accuracy is {}, against {} with BN alone "
      "and {} without.",
      percent(noisy), percent(batch), percent(none)));
}

}  // namespace

Claim shift_explains_it() {
  return {.id = "shift-explains-it",
          .title = "It is the reduced internal covariate shift that makes BN work",
          .sources = {{Article::transforms}, {Article::glossary}, {Article::faster}},
          .question = "If shift is put back behind BN at random in each step, is its gain gone?",
          .setting = fmt::format(
              "784-100-100-100-10, ReLU, He initialisation, SGD, learning rate 0.5, "
              "batches of 60, {} steps; noise of mean +-0.5 and scale 1 to 1.25 for each activation and step",
              with_commas(kSteps)),
          .measure = "Test accuracy at the end, arm minus arm",
          .plan = plan,
          .expected_seeds = 2,
          .judge = judge};
}

}  // namespace keel::study
