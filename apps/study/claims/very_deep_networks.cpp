#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

const std::vector<double> kRates = {0.001, 0.01, 0.1};
const std::vector<std::string> kNorms = {"none", "batch"};
constexpr double kResidualRate = 0.1;
constexpr double kChance = 0.2;

std::string plain(const std::string& norm, Index depth) { return fmt::format("{} depth {}", norm, depth); }
std::string residual(const std::string& norm) { return norm + " residual 100"; }

void plan(Plan& plan) {
  const Index steps = plan.choose<Index>(300, 1000);
  for (const std::string& norm : kNorms) {
    for (const Index depth : {50, 100}) {
      for (const double rate : kRates) {
        plan.add(at_rate(plain(norm, depth), rate), train_and_test(),
                 probe({.depth = depth, .norm = norm}, rate, steps));
      }
    }
    plan.add(residual(norm), train_and_test(),
             probe({.depth = 100, .norm = norm, .residual = true}, kResidualRate, steps));
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto best = [&](const char* norm, Index depth) {
    const std::string arm = plain(norm, depth);
    return results.values(at_rate(arm, best_rate(results, arm, kRates, "accuracy", true, 0.1)), "accuracy");
  };
  const std::vector<double> batch50 = best("batch", 50), none50 = best("none", 50);
  const std::vector<double> batch100 = best("batch", 100), none100 = best("none", 100);
  const std::vector<double> residual_batch = results.values(residual("batch"), "accuracy");
  const std::vector<double> residual_none = results.values(residual("none"), "accuracy");
  report.expect_more("plain, 50 layers, each at its best learning rate: better with BN", batch50, none50);
  report.expect_more("plain, 100 layers, each at its best learning rate: better with BN", batch100, none100);
  report.expect_above("plain, 100 layers with BN learn at all (more than 20 %)", batch100, kChance);
  report.expect_more("residual, 100 blocks: better with BN", residual_batch, residual_none);
  report.add(Number{"depth 50, rate 0.01, none", results.values(at_rate(plain("none", 50), 0.01), "accuracy"),
                    0.73});
  report.add(
      Number{"depth 50, rate 0.01, BN", results.values(at_rate(plain("batch", 50), 0.01), "accuracy"), 0.26});
  report.add(Number{"depth 50, best rate, none", none50});
  report.add(Number{"depth 50, best rate, BN", batch50});
  report.add(Number{"depth 100, best rate, none", none100, 0.1});
  report.add(Number{"depth 100, best rate, BN", batch100, 0.1});
  report.add(Number{"residual, 100 blocks, none (0.1: diverged)", residual_none, 0.1});
  report.add(Number{"residual, 100 blocks, BN", residual_batch, 0.948});
  report.add(Figure{.title = "Test accuracy after 1,000 steps, He initialisation",
                    .x_label = "",
                    .y_label = "test accuracy",
                    .series = {{"none", {0, 1, 2}, {none50, none100, residual_none}},
                               {"batch", {0, 1, 2}, {batch50, batch100, residual_batch}}},
                    .categories = {"50 layers", "100 layers", "100 residual blocks"}});
  report.set_sentence(
      fmt::format("Plain networks of 100 layers reach {} with BN and {} without, each at its best learning "
                  "rate; with 100 residual "
                  "blocks it is {} with BN, and {} without ({} of {} runs diverged).",
                  percent(batch100), percent(none100), percent(residual_batch), percent(residual_none),
                  results.diverged(residual("none")), residual_none.size()));
}

}  // namespace

Claim very_deep_networks() {
  return {
      .id = "very-deep-networks",
      .title = "With BN, networks of over 100 layers train",
      .quote = "over 100 layers",
      .articles = {Article::faster, Article::glossary},
      .question = "Do plain and residual networks of 50 and 100 layers learn, with BN and without?",
      .setting =
          "Width 100, ReLU, He initialisation, SGD, batches of 60, 1,000 steps; plain networks at learning "
          "rates 0.001, 0.01 and 0.1, residual ones (norm, ReLU, Dense in each block) at 0.1",
      .measure =
          "Test accuracy at the end, with BN minus without, plain networks at the rate where an arm's mean "
          "is "
          "largest",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
