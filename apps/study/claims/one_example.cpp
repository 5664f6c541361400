#include <fmt/format.h>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/layer_norm.h"
#include "keel/ops/batch_norm.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr Index kUnits = 100, kSteps = 60000;
// Batches of 64 and a rate of 0.1, for one example.
constexpr double kRate = 0.1 / 64, kGood = 0.9;
const std::string kFormulas = "formulas", kBatchOfOne = "LN, batch 1";

std::string message_of(nn::Module& layer, const Tensor& x) {
  nn::Context context(nn::Mode::training);
  try {
    layer(Variable(x), context);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

Json run(const Json&, const TrialContext& context) {
  const Tensor one = random_batch({1, kUnits}, context.seed, 1),
               other = random_batch({1, kUnits}, context.seed, 2);
  nn::BatchNorm batch_norm_layer(kUnits);
  const std::string refusal = message_of(batch_norm_layer, one);

  // The formula itself, with a beta that is not 0.
  const Tensor beta = random_batch({kUnits}, context.seed, 3);
  const Variable gamma(Tensor::ones({kUnits})), x(one, true);
  const double epsilon = batch_norm_layer.options().epsilon;
  const Variable y = batch_norm(x, gamma, Variable(beta), epsilon).y;
  const Tensor other_y = batch_norm(Variable(other), gamma, Variable(beta), epsilon).y.value();
  y.backward(random_batch(y.shape(), context.seed, 4));

  nn::LayerNorm layer_norm(kUnits);
  nn::Context training(nn::Mode::training);
  const Tensor answers[] = {layer_norm(Variable(one), training).value(),
                            layer_norm(Variable(other), training).value()};
  return {{"refusal", refusal},
          {"accepted", refusal.find("batch_norm") == std::string::npos ? 1 : 0},
          {"batch_norm_off_beta", std::max(largest_difference(y.value().reshape(beta.shape()), beta),
                                           largest_difference(other_y.reshape(beta.shape()), beta))},
          {"batch_norm_gradient", largest_difference(x.grad(), Tensor::zeros_like(one))},
          {"layer_norm_apart", largest_difference(answers[0], answers[1])}};
}

const Measurement& formulas() {
  static const Measurement measurement = {
      .name = "one_example", .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) {
  plan.add(kFormulas, formulas(), Json::object());
  Json setting = probe({.norm = "layer"}, kRate, plan.choose<Index>(10000, kSteps));
  setting["batch"] = 1;
  plan.add(kBatchOfOne, train_and_test(), std::move(setting));
}

void judge(const Plan&, const Results& results, Report& report) {
  const auto values = [&](const char* path) { return results.values(kFormulas, path); };
  report.expect_all_at_most("BN refuses to train on one example, and the error names it: it accepts none",
                            values("accepted"), 0);
  report.expect_all_at_most("BN's formula gives beta for one example, whatever that is",
                            values("batch_norm_off_beta"), 0);
  report.expect_all_at_most("No gradient passes to the layers in front", values("batch_norm_gradient"), 0);
  report.expect_all_above("LN tells one example from another", values("layer_norm_apart"), 0.1);
  const std::vector<double> accuracy = results.values(kBatchOfOne, "accuracy");
  report.expect_above(fmt::format("With LN a network trains on batches of one to {}", percent(kGood)),
                      accuracy, kGood);
  report.add({"BN: largest distance from beta", values("batch_norm_off_beta")});
  report.add({"BN: largest gradient of the input", values("batch_norm_gradient")});
  report.add({"LN: largest difference between two examples", values("layer_norm_apart")});
  report.add({"accuracy, LN, batches of one", accuracy});
  report.add(chart_of_values("One example in a batch", "largest size",
                             {{"BN: distance from beta", values("batch_norm_off_beta")},
                              {"BN: gradient", values("batch_norm_gradient")},
                              {"LN: between two examples", values("layer_norm_apart")}}));
  const double off = mean_of(values("batch_norm_off_beta")),
               gradient = mean_of(values("batch_norm_gradient"));
  report.set_sentence(fmt::format(
      "For one example BN's formula gives beta{}, whatever the example is, and passes on {}; with "
      "LN, training one example at a time reaches {}.",
      off == 0 ? "" : fmt::format(" to about {:.1g}", off),
      gradient == 0 ? "no gradient" : fmt::format("a gradient of about {:.1g}", gradient),
      percent(accuracy)));
}

}  // namespace

Claim one_example() {
  return {.id = "one-example",
          .title = "Batch statistics of a single example are meaningless",
          .sources = {{Article::glossary, "meaningless"}},
          .question = "What does BN make of a batch of one example, and what does LN?",
          .setting = fmt::format(
              "One layer of {} units on two random examples; and 784-100-100-100-10 with LN, ReLU, SGD at "
              "learning rate 0.1 / 64, batches of 1, {} steps",
              kUnits, with_commas(kSteps)),
          .measure =
              "The error that BN gives; largest distance of its output from beta and largest gradient "
              "of its input; test accuracy with LN",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
