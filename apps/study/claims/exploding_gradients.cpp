#include <fmt/format.h>

#include <cmath>

#include "study/claim.h"
#include "study/measurements/gradient_flow.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr double kSmall = 0.05, kRate = 0.1;
constexpr Index kSteps = 1000;
const std::vector<Index> kDepths = {10, 20, 50, 100}, kTrainedDepths = {10, 20};
const std::vector<std::string> kNorms = {"none", "batch"};

std::string at(const std::string& norm, Index depth) { return fmt::format("{} depth {}", norm, depth); }
std::string small_at(const std::string& norm, Index depth) { return at(norm, depth) + " small"; }

Json small(Json setting) {
  setting.erase("init");
  setting["init_deviation"] = kSmall;
  return setting;
}

void plan(Plan& plan) {
  for (const std::string& norm : kNorms) {
    for (const Index depth : kDepths) {
      plan.add(at(norm, depth), gradient_flow(), probe({.depth = depth, .norm = norm}, kRate, 1));
    }
    for (const Index depth : kTrainedDepths) {
      plan.add(small_at(norm, depth), train_and_test(),
               small(probe({.depth = depth, .norm = norm}, kRate, plan.choose<Index>(500, kSteps))));
    }
  }
}

// Of the first hidden layer, whose inputs are images and not activations, over the last.
std::vector<double> first_over_last(const Results& results, const std::string& norm, Index depth) {
  std::vector<double> ratios;
  for (const std::vector<double>& norms : results.series(at(norm, depth), "norms")) {
    // The last of all is that of the logits.
    ratios.push_back(norms.front() / norms[norms.size() - 2]);
  }
  return ratios;
}

// How far the ratio is from 1, in powers of e.
std::vector<double> distance(std::vector<double> ratios) {
  for (double& ratio : ratios) ratio = std::abs(std::log(ratio));
  return ratios;
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const char* norm, Index depth) {
    return results.values(small_at(norm, depth), "accuracy");
  };
  const auto ratio = [&](const std::string& norm, Index depth) {
    return results.values(at(norm, depth), "ratio");
  };
  for (const Index depth : kTrainedDepths) {
    report.expect_more(fmt::format("from small weights, {} layers train better with BN", depth),
                       accuracy("batch", depth), accuracy("none", depth));
    report.add(
        Number{fmt::format("small weights, depth {}: accuracy, none", depth), accuracy("none", depth), 0.11});
    report.add(Number{fmt::format("small weights, depth {}: accuracy, BN", depth), accuracy("batch", depth),
                      depth == 10 ? 0.95 : 0.94});
  }
  for (const Index depth : {10, 50, 100}) {
    report.expect_more(
        fmt::format("He initialisation, {} layers: gradients of the second and the last hidden layer "
                    "are nearer to each other "
                    "with BN",
                    depth),
        distance(ratio("none", depth)), distance(ratio("batch", depth)));
  }
  report.add(Number{"He, depth 100: gradient of the first over that of the last hidden layer, none",
                    first_over_last(results, "none", 100), 2});
  report.add(Number{"He, depth 100: gradient of the first over that of the last hidden layer, BN",
                    first_over_last(results, "batch", 100), "2e8"});
  report.add(Number{"He, depth 100: gradient of the second over that of the last hidden layer, none",
                    ratio("none", 100)});
  report.add(Number{"He, depth 100: gradient of the second over that of the last hidden layer, BN",
                    ratio("batch", 100)});
  const std::vector<double> growth_none = results.values(at("none", 100), "growth");
  const std::vector<double> growth_batch = results.values(at("batch", 100), "growth");
  report.add(Number{"He, depth 100: growth of the gradient a layer, none", growth_none});
  report.add(Number{"He, depth 100: growth of the gradient a layer, BN", growth_batch, 1.21});
  Figure figure{.title = "Gradient of the second hidden layer over that of the last, He initialisation",
                .x_label = "hidden layers",
                .y_label = "ratio of gradient norms",
                .series = {},
                .log_x = true,
                .log_y = true};
  for (const std::string& norm : kNorms) {
    Series series{.name = norm, .x = {}, .y = {}};
    for (const Index depth : kDepths) {
      series.x.push_back(static_cast<double>(depth));
      series.y.push_back(ratio(norm, depth));
    }
    figure.series.push_back(std::move(series));
  }
  report.add(std::move(figure));
  report.note(
      "Checks and figure are of the second hidden layer: the inputs of the first are images and not "
      "activations, which changes its gradients by a factor that has nothing to do with depth.");
  report.set_sentence(
      fmt::format("From weights that are too small, 20 layers reach {} with BN and {} without; at He "
                  "initialisation gradients grow "
                  "by a factor of {:.2f} a layer towards the input with BN, and of {:.2f} without.",
                  percent(accuracy("batch", 20)), percent(accuracy("none", 20)), mean_of(growth_batch),
                  mean_of(growth_none)));
}

}  // namespace

Claim exploding_gradients() {
  return {
      .id = "exploding-gradients",
      .title = "BN avoids exploding and vanishing gradients",
      .sources = {{Article::transforms, "avoids exploding/vanishing gradients"},
                  {Article::dropout, "avoids exploding/vanishing gradients"}},
      .question = "How much do gradients grow or shrink through 10 to 100 layers, and does training survive?",
      .setting = fmt::format(
          "Plain networks of width 100, ReLU: gradients at He initialisation; and {} steps of SGD, learning "
          "rate 0.1, from N(0, 0.05^2)",
          with_commas(kSteps)),
      .measure =
          "Test accuracy from small weights, with BN minus without; distance of the ratio of gradient norms, "
          "second hidden layer over last, from 1 (as a logarithm), without BN minus with it",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
