#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/loss_landscape.h"
#include "study/nets.h"
#include "study/paper_experiment.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

struct Expected {
  double rate;
  double spread_without[2], spread_with[2];
};
constexpr Expected kExpected[] = {
    {0.1, {250, 302}, {1.5, 1.6}}, {0.5, {52, 107}, {1.8, 1.8}}, {1, {1.6, 2.3}, {1.9, 1.9}}};
constexpr double kShiftRate = 0.1;

std::string shift_of(const std::string& activation, const std::string& norm) {
  return fmt::format("shift {} {}", activation, norm);
}

void plan(Plan& plan) {
  plan_paper_experiment(plan, kPaperRates);
  for (const char* activation : {"relu", "sigmoid"}) {
    for (const char* norm : {"none", "batch"}) {
      Json setting = probe({.activation = activation, .norm = norm}, kShiftRate, landscape_steps(plan));
      setting["probe_every"] = kLandscapeEvery;
      plan.add(shift_of(activation, norm), loss_landscape(), setting);
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  for (const Expected& expected : kExpected) {
    const auto spread = [&](const char* norm) {
      return results.values(at_rate(norm, expected.rate), "spread_change");
    };
    const auto drift = [&](const char* norm) {
      return results.values(at_rate(norm, expected.rate), "drift");
    };
    report.expect_ratio(
        fmt::format("at rate {:g}, the spread of a unit's inputs changes less with BN", expected.rate),
        spread("none"), spread("batch"), 1);
    report.expect_more(fmt::format("at rate {:g}, their median drifts less with BN", expected.rate),
                       drift("none"), drift("batch"));
    report.add(Number{fmt::format("rate {:g}: largest over smallest spread, none", expected.rate),
                      spread("none"), expected.spread_without[0], expected.spread_without[1]});
    report.add(Number{fmt::format("rate {:g}: largest over smallest spread, BN", expected.rate),
                      spread("batch"), expected.spread_with[0], expected.spread_with[1]});
    Number without{fmt::format("rate {:g}: drift of the median, none", expected.rate), drift("none")};
    Number with{fmt::format("rate {:g}: drift of the median, BN", expected.rate), drift("batch")};
    if (expected.rate == kPaperRates.front()) {
      without.expected = 0.34;
      without.expected_to = 0.44;
      with.expected = 0.09;
      with.expected_to = 0.13;
    }
    report.add(without);
    report.add(with);
  }
  const auto shift = [&](const char* activation, const char* norm) {
    return results.values(shift_of(activation, norm), "shift");
  };
  report.expect_more("ReLU: a step of the layers in front changes a layer's gradient less with BN",
                     shift("relu", "none"), shift("relu", "batch"));
  report.expect_more("sigmoid: a step of the layers in front changes a layer's gradient less with BN",
                     shift("sigmoid", "none"), shift("sigmoid", "batch"));
  report.add(Number{"ReLU: relative change of the gradient, none", shift("relu", "none"), 0.77});
  report.add(Number{"ReLU: relative change of the gradient, BN", shift("relu", "batch"), 0.64});
  report.add(Number{"sigmoid: relative change of the gradient, none", shift("sigmoid", "none"), 0.0003});
  report.add(Number{"sigmoid: relative change of the gradient, BN", shift("sigmoid", "batch"), 0.24});
  for (const double rate : {kPaperRates.front(), kPaperRates.back()}) {
    for (const char* norm : {"none", "batch"}) report.add(percentiles_of(results, norm, rate));
  }
  // Of which some are far below a percent.
  const auto share = [](const std::vector<double>& values) { return rounded(100 * mean_of(values)) + " %"; };
  report.set_sentence(fmt::format(
      "At a learning rate of 0.1 the spread of a sigmoid unit's inputs changes {}-fold without "
      "BN and {}-fold with it, at "
      "rate 1 {}- and {}-fold; a layer's gradient moves by {} of itself without BN and {} with "
      "it under ReLU, by {} and {} "
      "with sigmoids.",
      rounded(mean_of(results.values(at_rate("none", 0.1), "spread_change"))),
      rounded(mean_of(results.values(at_rate("batch", 0.1), "spread_change"))),
      rounded(mean_of(results.values(at_rate("none", 1), "spread_change"))),
      rounded(mean_of(results.values(at_rate("batch", 1), "spread_change"))), share(shift("relu", "none")),
      share(shift("relu", "batch")), share(shift("sigmoid", "none")), share(shift("sigmoid", "batch"))));
}

}  // namespace

Claim internal_covariate_shift() {
  return {
      .id = "internal-covariate-shift",
      .title = "BN reduces internal covariate shift",
      .sources = {{Article::transforms, "reduces internal covariate shift"},
                  {Article::glossary, "reduces internal covariate shift"},
                  {Article::faster, "reduces internal covariate shift"},
                  {Article::dropout, "reduces internal covariate shift"}},
      .question = "Do the inputs of a hidden unit, and the gradient of a layer, move less with BN?",
      .setting =
          "The paper's network (784-100-100-100-10, sigmoid, 50,000 steps) at learning rates 0.1, 0.5 and 1; "
          "gradients in the first 1,000 steps of it and of its ReLU version at rate 0.1",
      .measure =
          "From step 500 on, of one unit of the last hidden layer: the largest p85 - p15 over the smallest, "
          "and "
          "the range of p50 over the mean of p85 - p15; |G' - G| / |G| of the last hidden layer, G' after a "
          "step of the layers in front of it; without BN against with it",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
