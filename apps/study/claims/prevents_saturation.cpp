#include <fmt/format.h>

#include <cmath>

#include "study/claim.h"
#include "study/paper_experiment.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// The rate of the numbers that were expected.
constexpr double kRate = 1;

// At the last look, of each seed; NaN for one that diverged before the first.
std::vector<double> at_the_end(const Results& results, const char* norm, const char* percentile) {
  std::vector<double> values;
  for (const auto& one : results.series(at_rate(norm, kRate), percentile)) {
    values.push_back(one.empty() ? std::nan("") : one.back());
  }
  return values;
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto at_end = [&](const char* norm, const char* percentile) {
    return at_the_end(results, norm, percentile);
  };
  const auto value = [&](const char* norm, double rate, const char* path) {
    return results.values(at_rate(norm, rate), path);
  };
  for (const double rate : kPaperRates) {
    report.expect_more(
        fmt::format("at rate {:g}, fewer inputs lie where the sigmoid is flat at the end with BN", rate),
        value("none", rate, "flat"), value("batch", rate, "flat"));
    report.add(Number{fmt::format("rate {:g}: share of flat inputs at the end, none", rate),
                      value("none", rate, "flat")});
    report.add(Number{fmt::format("rate {:g}: share of flat inputs at the end, BN", rate),
                      value("batch", rate, "flat")});
    report.add(Number{fmt::format("rate {:g}: mean size of a unit's median, none", rate),
                      value("none", rate, "center")});
    report.add(Number{fmt::format("rate {:g}: mean size of a unit's median, BN", rate),
                      value("batch", rate, "center")});
  }
  report.add(Number{"rate 1: p15 of one unit at the end, none", at_end("none", "p15"), -4.2});
  report.add(Number{"rate 1: p85 of one unit at the end, none", at_end("none", "p85"), -1.2});
  report.add(Number{"rate 1: p15 of one unit at the end, BN", at_end("batch", "p15"), -3.8});
  report.add(Number{"rate 1: p85 of one unit at the end, BN", at_end("batch", "p85"), 2.2});
  for (const char* norm : {"none", "batch"}) report.add(percentiles_of(results, norm, kRate));
  report.set_sentence(
      fmt::format("After training at rates 0.1, 0.5 and 1, {}, {} and {} of the sigmoids' inputs lie in the "
                  "flat part without BN, and "
                  "{}, {} and {} with it.",
                  percent(value("none", 0.1, "flat")), percent(value("none", 0.5, "flat")),
                  percent(value("none", 1, "flat")), percent(value("batch", 0.1, "flat")),
                  percent(value("batch", 0.5, "flat")), percent(value("batch", 1, "flat"))));
}

}  // namespace

Claim prevents_saturation() {
  return {.id = "prevents-saturation",
          .title = "BN keeps activations out of saturation",
          .sources = {{Article::faster, "prevent saturation"}},
          .question = "Do the inputs of sigmoids stay where their slope is, with BN?",
          .setting =
              "The paper's network (784-100-100-100-10, sigmoid), SGD, learning rates 0.1, 0.5 and 1, 50,000 "
              "steps",
          .measure =
              "Of the last hidden layer: the share of inputs where the slope is below 0.01 (|x| > 4.6) at "
              "the end; without BN minus with it",
          .plan = [](Plan& plan) { plan_paper_experiment(plan, kPaperRates); },
          .judge = judge};
}

}  // namespace keel::study
