#include <fmt/format.h>

#include <algorithm>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/ops/arithmetic.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr Index kRows = 60, kUnits = 100;
constexpr double kBound = 1e-5;

// |f((a + b) / 2) - (f(a) + f(b)) / 2|, in units of the largest output: 0 for an affine function.
double distance_from_affine(nn::Module& layer, nn::Mode mode, const Tensor& a, const Tensor& b) {
  const auto f = [&](const Tensor& x) {
    nn::Context context(mode);
    return layer(Variable(x), context).value();
  };
  return relative_difference(f(affine(add(a, b), 0.5, 0)), affine(add(f(a), f(b)), 0.5, 0));
}

Json run(const Json&, const TrialContext& context) {
  const auto random = [&](const Shape& shape, std::uint64_t index) {
    return random_batch(shape, context.seed, index);
  };
  Rng rng(context.seed, Stream::initialization);
  nn::BatchNorm norm(kUnits);
  norm.weight.mutable_value().copy_from(random({kUnits}, 1));
  norm.bias.mutable_value().copy_from(random({kUnits}, 2));
  nn::Dense dense(kUnits, kUnits, rng);
  nn::Context training(nn::Mode::training);

  // Equation 6: a bias b of its own beside beta. And a bias in front of BN.
  const Tensor x = random({kRows, kUnits}, 3), dy = random({kRows, kUnits}, 4);
  Variable b(Tensor::zeros({kUnits}), true);
  const Variable y = norm(dense(Variable(x), training), training) + b;
  y.backward(dy);
  const double beside = relative_difference(b.grad(), norm.bias.grad());
  const double in_front = largest_difference(dense.bias.grad(), Tensor::zeros({kUnits})) /
                          largest_difference(dense.weight.grad(), Tensor::zeros({kUnits, kUnits}));

  // The running statistics are those of that batch in part.
  const Tensor other = random({kRows, kUnits}, 5);
  return {{"evaluation", distance_from_affine(norm, nn::Mode::evaluation, x, other)},
          {"training", distance_from_affine(norm, nn::Mode::training, x, other)},
          {"bias_beside_beta", beside},
          {"bias_in_front", in_front}};
}

const Measurement& affinity() {
  static const Measurement measurement = {
      .name = "affinity", .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) { plan.add("BN", affinity(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> evaluation = results.values("BN", "evaluation");
  const std::vector<double> training = results.values("BN", "training");
  const std::vector<double> beside = results.values("BN", "bias_beside_beta");
  const std::vector<double> in_front = results.values("BN", "bias_in_front");
  report.expect_all_above("In evaluation, BN with any gamma and beta is not an affine function", evaluation,
                          kBound);
  report.expect_all_above("The b_i beside beta in equation 6 has a gradient of its own", beside, kBound);
  report.expect_all_above("A bias in front of BN has a gradient", in_front, kBound);
  report.add({"distance from an affine function, in evaluation", evaluation});
  report.add({"distance from an affine function of the batch, in training", training});
  report.add({"difference of the gradients of b_i and beta", beside});
  report.add({"gradient of a bias in front, in units of the weights'", in_front});
  report.add(chart_of_differences("What is left of a non-linearity, and of the biases' own gradients",
                                  {{"not affine", evaluation}, {"b_i", beside}, {"bias in front", in_front}},
                                  kBound));
  report.set_sentence(fmt::format(
      "In evaluation BN is an affine function to about {:.1g} of its outputs; the gradients of b_i and beta "
      "are the same to about {:.1g} of their size, and that of a bias in front of BN is about {:.1g} of the "
      "weights'.",
      mean_of(evaluation), mean_of(beside), mean_of(in_front)));
  report.note(
      "In training the outputs are not affine in the batch, as its deviation divides them: that is "
      "normalisation's doing, not gamma's and beta's, and it is gone in evaluation.");
}

}  // namespace

Claim adds_non_linearity() {
  return {
      .id = "adds-non-linearity",
      .title = "Rescaling by gamma and beta adds non-linearity",
      .sources = {{Article::faster, "add non-linearity"}},
      .question = "Is BN more than a linear map of an example, and is b_i of equation 6 more than beta?",
      .setting = fmt::format(
          "Dense and BN of {0} units with random gamma and beta, on random batches of {1}, in float32",
          kUnits, kRows),
      .measure = fmt::format(
          "Distance of BN of a mean of two inputs from the mean of its outputs; relative difference of the "
          "gradients of b_i and beta; gradient of a bias in front; each above {:g} if the claim is right",
          kBound),
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study
