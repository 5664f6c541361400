#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.0001, 0.001, 0.01, 0.1, 1}, kQuickRates = {0.001, 0.01, 0.1};
const std::vector<Index> kDepths = {10, 20, 50, 100}, kQuickResidualDepths = {20, 100};
const std::vector<std::string> kNorms = {"none", "batch"};
constexpr double kLearns = 0.2;
constexpr Index kSteps = 1000;

std::vector<double> rates_of(const Plan& plan) { return plan.choose(kQuickRates, kRates); }

std::vector<Index> depths_of(const Plan& plan, bool residual) {
  return residual ? plan.choose(kQuickResidualDepths, kDepths) : kDepths;
}

std::string arm(const std::string& norm, Index depth, bool residual) {
  return fmt::format("{} {} {}", norm, residual ? "residual" : "depth", depth);
}

void plan(Plan& plan) {
  const auto add = [&](const std::string& norm, Index depth, bool residual) {
    for (const double rate : rates_of(plan)) {
      plan.add(
          at_rate(arm(norm, depth, residual), rate), train_and_test(),
          probe({.depth = depth, .norm = norm, .residual = residual}, rate, plan.choose<Index>(200, kSteps)));
    }
  };
  for (const std::string& norm : kNorms) {
    for (const bool residual : {false, true}) {
      for (const Index depth : depths_of(plan, residual)) add(norm, depth, residual);
    }
  }
}

// Each arm at its own best rate.
AtBestRate best(const Plan& plan, const Results& results, const std::string& norm, Index depth,
                bool residual) {
  return at_best_rate(results, arm(norm, depth, residual), rates_of(plan));
}

Figure figure_of(const Plan& plan, const Results& results, bool residual) {
  Figure figure{.title = residual ? "Residual networks, each arm at its best learning rate"
                                  : "Plain networks, each arm at its best learning rate",
                .x_label = residual ? "residual blocks" : "hidden layers",
                .y_label = "test accuracy",
                .series = {},
                .log_x = true};
  for (const std::string& norm : kNorms) {
    Series series{.name = norm, .x = {}, .y = {}};
    for (const Index depth : depths_of(plan, residual)) {
      series.x.push_back(static_cast<double>(depth));
      const AtBestRate found = best(plan, results, norm, depth, residual);
      series.y.push_back(found.values);
      series.diverged.push_back(found.diverged);
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

void judge(const Plan& plan, const Results& results, Report& report) {
  for (const Index depth : {50, 100}) {
    report.expect_more(fmt::format("plain, {} layers, each at its best learning rate: better with BN", depth),
                       best(plan, results, "batch", depth, false).values,
                       best(plan, results, "none", depth, false).values);
  }
  report.expect_above("plain, 100 layers with BN learn at all (more than 20 %)",
                      best(plan, results, "batch", 100, false).values, kLearns);
  report.expect_more("residual, 100 blocks, each at its best learning rate: better with BN",
                     best(plan, results, "batch", 100, true).values,
                     best(plan, results, "none", 100, true).values);
  const auto add = [&](const std::string& words, const std::string& name, double rate,
                       const Expectation& expected) {
    report.add(number_of(results, "accuracy, " + words, at_rate(name, rate), "accuracy", expected));
  };
  add("depth 50, rate 0.01, none", arm("none", 50, false), 0.01, 0.73);
  add("depth 50, rate 0.01, BN", arm("batch", 50, false), 0.01, 0.26);
  add("depth 100, rate 0.01, none", arm("none", 100, false), 0.01, 0.1);
  add("depth 100, rate 0.01, BN", arm("batch", 100, false), 0.01, 0.1);
  add("100 residual blocks, rate 0.1, none", arm("none", 100, true), 0.1, 0.1);
  add("100 residual blocks, rate 0.1, BN", arm("batch", 100, true), 0.1, 0.948);
  for (const bool residual : {false, true}) {
    for (const Index depth : depths_of(plan, residual)) {
      for (const std::string& norm : kNorms) {
        const AtBestRate found = best(plan, results, norm, depth, residual);
        report.add(
            Number{fmt::format("accuracy, {} {}, {}{}", depth, residual ? "residual blocks" : "plain layers",
                               norm, found.shown(", best rate")),
                   found.values});
      }
    }
    report.add(figure_of(plan, results, residual));
  }
  const auto shown = [&](const char* norm, Index depth, bool residual) {
    return percent(best(plan, results, norm, depth, residual).values);
  };
  report.note_on_expected(
      "Which residual block was expected of is not known; with PyTorch (scripts/study_pytorch.py "
      "very-deep-networks) 100 of them learn at rate 0.1 only with the norm behind the last.");
  report.set_sentence(fmt::format(
      "Each at its best learning rate, plain networks of 100 layers reach {} with BN and {} "
      "without, of 20 layers {} and {}; with 100 residual blocks it is {} with BN and {} without.",
      shown("batch", 100, false), shown("none", 100, false), shown("batch", 20, false),
      shown("none", 20, false), shown("batch", 100, true), shown("none", 100, true)));
}

}  // namespace

Claim very_deep_networks() {
  return {.id = "very-deep-networks",
          .title = "With BN, networks of over 100 layers train",
          .sources = {{Article::faster, "over 100 layers"}, {Article::glossary, "much deeper"}},
          .question = "Do plain and residual networks of 10 to 100 layers learn, with BN and without?",
          .setting = fmt::format(
              "Width 100, ReLU, He initialisation, SGD, batches of 60, {} steps; plain, and residual with "
              "norm, ReLU and Dense in each block and a norm and ReLU behind the last; the deepest that are "
              "tested have {} layers or blocks; learning rates {:g} to {:g}, tenfold",
              with_commas(kSteps), kDepths.back(), kRates.front(), kRates.back()),
          .measure =
              "Test accuracy at the end, with BN minus without, each seed at the rate at which an arm's mean "
              "over the other seeds is largest",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
