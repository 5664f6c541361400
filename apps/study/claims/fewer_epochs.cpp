#include <fmt/format.h>

#include "study/claim.h"
#include "study/compare.h"
#include "study/speed.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

void judge(const Plan& plan, const Results& results, Report& report) {
  const double limit = speed_steps(plan);
  std::string found;
  bool all_reached = true;
  for (const auto& [target, expected_without, expected_with] : kSpeedTargets) {
    const AtBestRate best_without = best_for(results, plan, "none", target);
    const AtBestRate best_with = best_for(results, plan, "batch", target);
    const Reached without = reached(results, at_rate("none", best_without.rate), target, limit);
    const Reached with = reached(results, at_rate("batch", best_with.rate), target, limit);
    all_reached = all_reached && without.all() && with.all();
    report.expect_ratio(
        fmt::format("each arm at its best learning rate, BN reaches {} % in fewer steps", target), without,
        with, 1);
    report.add(Number{
        fmt::format("steps to {} %, none{}{}", target, best_without.shown(" at rate"), without.remark()),
        without.steps, expected_without});
    report.add(
        Number{fmt::format("steps to {} %, batch{}{}", target, best_with.shown(" at rate"), with.remark()),
               with.steps, expected_with});
    found += fmt::format("{}{:.0f} and {:.0f} to {} %", found.empty() ? "" : ", ", mean_of(without.steps),
                         mean_of(with.steps), target);
  }
  report.add(Figure{.title = "Steps to 97 % by learning rate; none where it was not reached",
                    .x_label = "learning rate",
                    .y_label = "steps",
                    .series = {over_rates(results, "none", kSpeedRates, "steps_to/97"),
                               over_rates(results, "batch", kSpeedRates, "steps_to/97")},
                    .log_x = true,
                    .log_y = true});
  report.set_sentence("Each at its best learning rate, the steps without BN and with it are " + found +
                      (all_reached ? "." : "; a run that does not reach it counts with all its steps."));
}

}  // namespace

Claim fewer_epochs() {
  return {
      .id = "fewer-epochs",
      .title = "BN needs fewer epochs",
      .sources = {{Article::transforms, "fewer epochs"}, {Article::dropout, "fewer epochs"}},
      .question = "Does BN reach an accuracy in fewer steps, when each arm has its own best learning rate?",
      .setting = fmt::format("784-100-100-100-10, ReLU, He initialisation, SGD, batches of 60, {} steps, "
                             "learning rates 0.03 to 3",
                             with_commas(kSpeedSteps)),
      .measure =
          "Steps to a test accuracy of 95, 97 and 97.5 %, each at the rate of the grid where an arm's mean "
          "is smallest; without BN over with it; a run that does not reach it counts with all its steps",
      .plan = plan_speed,
      .expected_seeds = 2,
      .judge = judge};
}

}  // namespace keel::study
