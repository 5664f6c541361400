#include <fmt/format.h>

#include "study/claim.h"
#include "study/measurements/loss_landscape.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

struct Case {
  std::string activation;
  double rate;
  // None and BN; of the change of the gradient too where there are four.
  std::vector<Expectation> range, change, beta;
};
const std::vector<Case> kCases = {{"relu", 0.1, {0.97, 0.12}, {6.8, "1.0"}, {12.6, 6.7}},
                                  {"relu", 0.5, {0.08, "0.10"}, {}, {4.8, 4.1}},
                                  {"sigmoid", 0.1, {}, {}, {}},
                                  {"sigmoid", 0.5, {}, {}, {}}};

std::string label_of(const Case& one, const char* norm) {
  return at_rate(fmt::format("{} {}", one.activation, norm), one.rate);
}

void plan(Plan& plan) {
  for (const Case& one : kCases) {
    for (const char* norm : {"none", "batch"}) {
      Json setting = probe({.activation = one.activation, .norm = norm}, one.rate, landscape_steps(plan));
      setting["probe_every"] = kLandscapeEvery;
      plan.add(label_of(one, norm), loss_landscape(), setting);
    }
  }
}

void judge(const Plan&, const Results& results, Report& report) {
  struct Quantity {
    const char *path, *words;
    std::vector<Expectation> Case::*expected;
  };
  const Quantity quantities[] = {{"range", "range of the loss along the gradient", &Case::range},
                                 {"change", "largest change of the gradient (predictiveness)", &Case::change},
                                 {"beta", "effective smoothness", &Case::beta}};
  std::string found;
  Figure figure{.title = "Range of the loss along the gradient",
                .x_label = "",
                .y_label = "range of the loss",
                .series = {{"none", {}, {}}, {"batch", {}, {}}},
                .log_y = true};
  for (const Case& one : kCases) {
    for (const Quantity& quantity : quantities) {
      const std::vector<double> none = results.values(label_of(one, "none"), quantity.path);
      const std::vector<double> batch = results.values(label_of(one, "batch"), quantity.path);
      const std::string where = fmt::format("{}, rate {:g}: {}", one.activation, one.rate, quantity.words);
      report.expect_more(where + ", smaller with BN", none, batch);
      Number without{where + ", none", none}, with{where + ", BN", batch};
      const std::vector<Expectation>& expected = one.*quantity.expected;
      if (!expected.empty()) {
        without.expected = expected[0];
        with.expected = expected[1];
      }
      report.add(without);
      report.add(with);
      if (quantity.path == std::string("range")) {
        for (Series& series : figure.series) {
          series.x.push_back(static_cast<double>(figure.categories.size()));
          series.y.push_back(series.name == "none" ? none : batch);
        }
        figure.categories.push_back(fmt::format("{}, {:g}", one.activation, one.rate));
        found += fmt::format("{}{} against {} ({}, rate {:g})", found.empty() ? "" : ", ",
                             rounded(mean_of(batch)), rounded(mean_of(none)), one.activation, one.rate);
      }
    }
  }
  report.add(std::move(figure));
  report.note_on_expected(
      "Neither is wrong: in the setting of this page PyTorch (scripts/study_pytorch.py smooths-the-loss) "
      "finds "
      "what is found here. The numbers expected are of one seed, and whether they are means or medians over "
      "the steps is not known: at a rate of 0.5, and without BN at 0.1, medians are nearer to most; the "
      "smoothness that was "
      "expected with BN at 0.1 is neither.");
  report.set_sentence("Along the gradient the loss ranges over, with BN against without: " + found + ".");
}

}  // namespace

Claim smooths_the_loss() {
  return {.id = "smooths-the-loss",
          .title = "BN smooths the loss",
          .sources = {{Article::faster, "smooths the loss"}},
          .question = "Along the gradient, do the loss and its gradient change less with BN?",
          .setting =
              "784-100-100-100-10, ReLU and sigmoid, SGD, batches of 60, the first 1,000 steps, looked at "
              "every 20, "
              "with steps from 0.05 to 0.5 along the gradient",
          .measure =
              "Means over the looks: the range of L(w - eta g), the largest |grad L(w - eta g) - g|, and "
              "that over "
              "eta |g|; without BN minus with it",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
