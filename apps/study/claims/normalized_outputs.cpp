#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_norm.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"

namespace keel::study {
namespace {

constexpr double kBound = 1e-6;
// Fully connected and convolutional.
const std::vector<Shape> kShapes = {{60, 100}, {16, 7, 7, 8}};

// Mean and biased variance of each channel, in double.
struct Statistics {
  Tensor mean, variance;
};

Statistics statistics_of(const Tensor& x) {
  const Tensor rows = x.to(DType::float64).reshape({-1, x.size(-1)});
  const std::vector<int> axes = {0};
  Statistics statistics = {mean(rows, axes), {}};
  const Tensor centred = subtract(rows, statistics.mean);
  statistics.variance = mean(multiply(centred, centred), axes);
  return statistics;
}

// f of each element.
template <class F>
Tensor each(const Tensor& x, const F& f) {
  Tensor y = x.clone();
  std::transform(y.data<double>(), y.data<double>() + y.numel(), y.data<double>(), f);
  return y;
}

Json run(const Json&, const TrialContext& context) {
  double mean_off = 0, variance_off = 0, below_one = 0, undone_off = 0;
  for (const Shape& shape : kShapes) {
    const Tensor x = random_batch(shape, context.seed, static_cast<std::uint64_t>(shape.rank()));
    const Statistics before = statistics_of(x);
    nn::BatchNorm norm(shape[-1]);
    const double epsilon = norm.options().epsilon;
    nn::Context training(nn::Mode::training);
    const Statistics after = statistics_of(norm(Variable(x), training).value());
    const Tensor zeros = Tensor::zeros_like(after.mean), ones = Tensor::ones(zeros.shape(), DType::float64);
    mean_off = std::max(mean_off, largest_difference(after.mean, zeros));
    below_one = std::max(below_one, largest_difference(after.variance, ones));
    const Tensor exact = each(before.variance, [&](double v) { return v / (v + epsilon); });
    variance_off = std::max(variance_off, largest_difference(after.variance, exact));

    const Tensor deviation = each(before.variance, [&](double v) { return std::sqrt(v + epsilon); });
    norm.weight.mutable_value().copy_from(deviation.to(DType::float32));
    norm.bias.mutable_value().copy_from(before.mean.to(DType::float32));
    undone_off = std::max(undone_off, relative_difference(norm(Variable(x), training).value(), x));
  }
  return {{"mean", mean_off}, {"variance", variance_off}, {"below_one", below_one}, {"undone", undone_off}};
}

const Measurement& normalization() {
  static const Measurement measurement = {
      .name = "normalized_outputs", .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) { plan.add("BN", normalization(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> mean = results.values("BN", "mean"), variance = results.values("BN", "variance");
  const std::vector<double> below_one = results.values("BN", "below_one");
  const std::vector<double> undone = results.values("BN", "undone");
  report.expect_all_at_most("The outputs of each unit have mean 0", mean, kBound);
  report.expect_all_at_most("Their variance is 1 but for epsilon: v / (v + epsilon)", variance, kBound);
  report.expect_all_at_most("gamma = sqrt(v + epsilon) and beta = mean give the inputs back", undone, kBound);
  report.add({"largest distance of a mean from 0", mean});
  report.add({"largest distance of a variance from v / (v + epsilon)", variance});
  report.add({"largest distance of a variance from 1", below_one});
  report.add({"largest relative error of inputs given back", undone});
  report.add(chart_of_differences("Distances of the outputs from what they should be",
                                  {{"mean", mean}, {"variance", variance}, {"given back", undone}}, kBound));
  const auto largest = [](const std::vector<double>& values) {
    return *std::max_element(values.begin(), values.end());
  };
  report.set_sentence(
      fmt::format("Means are within about {:.1g} of 0 and variances within about {:.1g} of 1, which epsilon "
                  "accounts for; gamma and beta give the inputs back to about {:.1g} of their size.",
                  largest(mean), largest(below_one), largest(undone)));
}

}  // namespace

Claim normalized_outputs() {
  return {.id = "normalized-outputs",
          .title = "BN gives zero mean and unit variance, which gamma and beta can undo",
          .sources = {{Article::glossary, "zero mean and unit variance"}},
          .question = "Are outputs in training normalised exactly, and can gamma and beta undo it?",
          .setting =
              "One BN layer with epsilon 1e-5 on inputs of mean 1 and deviation 3, [60, 100] and "
              "[16, 7, 7, 8], in float32",
          .measure = fmt::format(
              "Largest distances, over all channels, from mean 0, from variance v / (v + epsilon) and from "
              "the inputs; at most {:g}",
              kBound),
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
