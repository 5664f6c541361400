#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/tensor_ops.h"
#include "keel/ops/softmax.h"
#include "study/claim.h"
#include "study/exact.h"
#include "study/nets.h"
#include "study/sweep.h"
#include "study/training.h"

namespace keel::study {
namespace {

constexpr double kRate = 0.1, kBound = 1e-6;
constexpr Index kLargeBatch = 256, kCompared = 1024, kSteps = 3000;

struct BatchSize {
  Index size;
  Expectation expected;
};
const std::vector<BatchSize> kBatchSizes = {{2, 0.39}, {16, "0.90"}, {256, 0.95}};

Tensor probabilities(nn::Module& model, const Tensor& inputs) {
  nn::Context context(nn::Mode::evaluation);
  return softmax(model(Variable(inputs), context)).value();
}

// The largest difference of a probability between examples one at a time and in large batches.
double largest_difference_of_batches(const Training& training, nn::Module& model) {
  const Index compared = std::min(kCompared, training.test_set()->size());
  const data::DatasetPtr part = data::take(training.test_set(), compared);
  const data::Batches large(part, {.batch_size = std::min(kLargeBatch, compared)});
  double largest = 0;
  for (Index i = 0; i < large.count(); ++i) {
    const Tensor inputs = large.batch(0, i).inputs;
    std::vector<Tensor> single;
    for (Index row = 0; row < inputs.size(0); ++row) {
      single.push_back(probabilities(model, inputs.rows(row, row + 1)));
    }
    largest = std::max(largest, largest_difference(concatenate(single, 0), probabilities(model, inputs)));
  }
  return largest;
}

// Evaluation as it would be without running averages.
double accuracy_with_batch_statistics(const Training& training, nn::Module& model, Index batch_size,
                                      const TrialContext& trial) {
  const data::Batches batches(training.test_set(),
                              {.batch_size = std::min(batch_size, training.test_set()->size()),
                               .shuffle = true,
                               .drop_last = true,
                               .seed = trial.seed});
  train::Metrics metrics;
  for (Index i = 0; i < batches.count(); ++i) {
    check<train::Interrupted>(!trial.interrupted || !trial.interrupted(), "[study] interrupted");
    const data::Batch batch = batches.batch(0, i);
    nn::Context context(nn::Mode::training);
    metrics.add(0, model(Variable(batch.inputs), context).value(), batch.labels);
  }
  return metrics.accuracy();
}

Json diverged_result() {
  Json result = {{"diverged", true},
                 {"accuracy", nullptr},
                 {"difference", nullptr},
                 {"batch_statistics", Json::object()}};
  for (const BatchSize& batch : kBatchSizes) result["batch_statistics"][std::to_string(batch.size)] = nullptr;
  return result;
}

Json run(const Json& setting, const TrialContext& context) {
  Training training(setting, context);
  while (training.steps_done() < setting.at("steps").get<Index>() && training.step()) {
  }
  const auto test = training.test();
  if (training.diverged() || !test) return diverged_result();
  const NoGrad no_grad;
  Json result = {{"diverged", false},
                 {"accuracy", test->accuracy()},
                 {"difference", largest_difference_of_batches(training, training.model())},
                 {"batch_statistics", Json::object()}};
  for (const BatchSize& batch : kBatchSizes) {
    result["batch_statistics"][std::to_string(batch.size)] =
        accuracy_with_batch_statistics(training, training.model(), batch.size, context);
  }
  return result;
}

const Measurement& consistency() {
  static const Measurement measurement = {
      .name = "consistent_inference", .run = run, .seconds = [](const Json& setting) {
        return training_seconds(setting) + 1;
      }};
  return measurement;
}

void plan(Plan& plan) {
  plan.add("BN", consistency(), probe({.norm = "batch"}, kRate, plan.choose<Index>(600, kSteps)));
}

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> averages = results.values("BN", "accuracy");
  const std::vector<double> differences = results.values("BN", "difference");
  report.expect_all_at_most(
      fmt::format("Probabilities of an example alone and in a batch of {} are equal", kLargeBatch),
      differences, kBound);
  report.add({"largest difference of a probability, 1 against 256", differences});
  report.add({"accuracy with running averages", averages, 0.962});
  Figure figure{.title = "Test accuracy with the statistics of the batch in place of running averages",
                .x_label = "batch size in evaluation",
                .y_label = "test accuracy",
                .series = {{.name = "statistics of the batch", .x = {}, .y = {}},
                           {.name = "running averages", .x = {}, .y = {}}},
                .log_x = true};
  std::vector<std::string> found;
  for (const BatchSize& batch : kBatchSizes) {
    const std::vector<double> own = results.values("BN", fmt::format("batch_statistics/{}", batch.size));
    report.add({fmt::format("accuracy with batch statistics, {}", batch.size), own, batch.expected});
    found.push_back(fmt::format("{} at {}{}", percent(own), found.empty() ? "batches of " : "", batch.size));
    for (Series& series : figure.series) series.x.push_back(static_cast<double>(batch.size));
    figure.series[0].y.push_back(own);
    figure.series[1].y.push_back(averages);
  }
  report.set_sentence(
      fmt::format("With running averages an example gets {} alone and in a batch of {}; the accuracy is {} "
                  "with them, and with the statistics of each test batch in their place {}.",
                  the_same("probabilities", *std::max_element(differences.begin(), differences.end())),
                  kLargeBatch, percent(averages), fmt::join(found, ", ")));
  report.add(std::move(figure));
  report.note_on_expected(
      "Neither is wrong: in the setting of this page PyTorch (scripts/study_pytorch.py consistent-inference) "
      "finds what is found here. The numbers expected are of one seed and of a setting of which not all is "
      "known: after one epoch in batches of 64 PyTorch comes near to the first, and with the first 5,000 "
      "test "
      "images only to those of batches of 16 and 256, too; what was expected at 2 is as of more training.");
}

}  // namespace

Claim consistent_inference() {
  return {
      .id = "consistent-inference",
      .title = "Running averages make predictions independent of the batch",
      .sources = {{Article::glossary, "consistent … single example or a large batch"}},
      .question = "Does a trained network answer the same for one example and for a large batch?",
      .setting = fmt::format(
          "784-100-100-100-10 with BN, ReLU, He initialisation, SGD at learning rate {:g}, batches of 60, {} "
          "steps",
          kRate, with_commas(kSteps)),
      .measure = fmt::format(
          "Largest difference of a probability between {} test images one by one and in batches of {}, at "
          "most {:g}; and test accuracy with the statistics of each test batch instead",
          with_commas(kCompared), kLargeBatch, kBound),
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
