#include <fmt/format.h>

#include "keel/train/recalibrate.h"
#include "study/claim.h"
#include "study/nets.h"
#include "study/sweep.h"
#include "study/training.h"

namespace keel::study {
namespace {

constexpr double kRate = 0.1, kMargin = 0.01;
constexpr Index kPreciseBatches = 200;

struct Momentum {
  double value, expected;
};
const std::vector<Momentum> kMomenta = {{0.001, 0.765}, {0.01, 0.902}, {0.1, 0.918}};

std::string label(double momentum) { return fmt::format("momentum {:g}", momentum); }

// Trains up to the last of the steps, and tests after each of them: with the averages that training kept, and
// with precise ones in their place.
Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  Json result = {{"accuracy", Json::object()}, {"precise", Json::object()}};
  for (const Json& at : setting.at("test_after")) {
    while (training.steps_done() < at.get<Index>() && training.step()) {
    }
    const std::string key = at.dump();
    if (training.diverged()) {
      result["accuracy"][key] = result["precise"][key] = nullptr;
      continue;
    }
    const auto kept = training.test();
    result["accuracy"][key] = kept ? Json(kept->accuracy()) : Json(nullptr);
    const std::shared_ptr<nn::Module> copy = training.model().clone();
    const data::Batches batches(
        training.training_set(),
        {.batch_size = setting.at("batch"), .shuffle = true, .drop_last = true, .seed = context.seed});
    train::recalibrate_batch_norm(*copy, batches, kPreciseBatches, context.interrupted);
    const data::Batches test(training.test_set(),
                             {.batch_size = std::min<Index>(500, training.test_set()->size())});
    result["precise"][key] = train::evaluate(*copy, test, context.interrupted).accuracy();
  }
  return result;
}

const Measurement& calibration() {
  static const Measurement measurement = {
      .name = "calibration", .run = run, .seconds = [](const Json& setting) {
        return training_seconds(setting) + 0.2 * static_cast<double>(setting.at("test_after").size());
      }};
  return measurement;
}

const std::vector<Index> kTestedAfter = {10, 30, 100, 300, 1000, 3000};

std::vector<Index> tested_after(const Plan& plan) {
  return plan.choose<std::vector<Index>>({30, 100, 300}, kTestedAfter);
}

void plan(Plan& plan) {
  const std::vector<Index> steps = tested_after(plan);
  for (const Momentum& momentum : kMomenta) {
    const Json norm = norm_layer("batch", {{"momentum", momentum.value}});
    Json setting = probe({.norm = norm.dump()}, kRate, steps.back());
    setting["test_after"] = steps;
    plan.add(label(momentum.value), calibration(), std::move(setting));
  }
}

void judge(const Plan& plan, const Results& results, Report& report) {
  // Weights do not depend on the averages: any arm has the same precise ones.
  const std::string any = label(kMomenta.back().value);
  const std::vector<double> precise = results.values(any, "precise/100");
  std::string sentence = "After 100 steps the accuracy is ";
  for (const Momentum& momentum : kMomenta) {
    const std::vector<double> kept = results.values(label(momentum.value), "accuracy/100");
    report.expect_more(
        fmt::format("After 100 steps, averages of momentum {:g} lose more than {:g} of accuracy against "
                    "precise ones",
                    momentum.value, kMargin),
        precise, kept, kMargin);
    report.add({"accuracy, " + label(momentum.value), kept, momentum.expected});
    sentence += fmt::format("{} with {}, ", percent(kept), label(momentum.value));
  }
  report.add({"accuracy, precise BN", precise, "0.920"});
  report.set_sentence(sentence +
                      fmt::format("and {} with precise statistics of the same weights.", percent(precise)));
  Figure figure{.title = "Test accuracy with running averages, and with precise ones",
                .x_label = "step",
                .y_label = "test accuracy",
                .series = {},
                .log_x = true};
  const auto add_series = [&](const std::string& name, const std::string& trial, const std::string& kind) {
    Series series{.name = name, .x = {}, .y = {}};
    for (const Index step : tested_after(plan)) {
      series.x.push_back(static_cast<double>(step));
      series.y.push_back(results.values(trial, fmt::format("{}/{}", kind, step)));
    }
    figure.series.push_back(std::move(series));
  };
  for (const Momentum& momentum : kMomenta)
    add_series(label(momentum.value), label(momentum.value), "accuracy");
  add_series("precise", any, "precise");
  report.add(std::move(figure));
}

}  // namespace

Claim calibrated_averages() {
  return {
      .id = "calibrated-averages",
      .title = "Running averages may be poorly calibrated",
      .sources = {{Article::transforms, "not well-calibrated"}},
      .question = "How much accuracy do the running averages of a short training cost?",
      .setting = fmt::format(
          "784-100-100-100-10 with BN, ReLU, He initialisation, SGD at learning rate {:g}, batches of 60, "
          "tested after {} to {} steps; momentum is the weight of the new batch; precise BN: plain means "
          "over {} batches",
          kRate, kTestedAfter.front(), with_commas(kTestedAfter.back()), kPreciseBatches),
      .measure =
          "Test accuracy after 100 steps with the running averages, against that of the same weights with "
          "precise statistics; lost if the interval of the difference lies above one point",
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
