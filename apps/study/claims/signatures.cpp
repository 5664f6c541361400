#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keel/nn/batch_norm.h"
#include "keel/nn/model_description.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr double kBound = 1e-6;

// torch.nn.BatchNorm2d(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True), with
// its documented initial values.
const Json kSignature = {{"epsilon", 1e-5},
                         {"momentum", 0.1},
                         {"scale", true},
                         {"center", true},
                         {"track_running_stats", true},
                         {"initial_gamma", 1.0},
                         {"initial_beta", 0.0},
                         {"initial_running_mean", 0.0},
                         {"initial_running_var", 1.0}};

// How many options of a layer that is given none are not the signature's.
Index different_options() {
  const std::string text = R"({"layers": [{"layer": "batch_norm"}]})";
  const Json layer = Json::parse(nn::ModelDescription::parse(text, "signature").to_json())["layers"][0];
  Index count = 0;
  for (const auto& [name, value] : kSignature.items()) count += layer.value(name, Json()) != value ? 1 : 0;
  return count;
}

Tensor tensor(const Shape& shape, std::initializer_list<float> values) {
  return Tensor::from<float>(shape, values);
}

Tensor small_batch() { return tensor({4, 2}, {1, -2, 2, 0, 3, 4, 6, 2}); }

struct Pair {
  Tensor found, expected;
};
template <std::size_t n>
double largest_of(const Pair (&pairs)[n]) {
  double largest = 0;
  for (const Pair& pair : pairs) largest = std::max(largest, largest_difference(pair.found, pair.expected));
  return largest;
}

// Against what PyTorch gives for one small batch: outputs and gradients in training, running statistics,
// outputs in evaluation.
double distance_from_pytorch() {
  nn::BatchNorm norm(2);
  norm.weight.mutable_value().copy_from(tensor({2}, {2, 0.5F}));
  norm.bias.mutable_value().copy_from(tensor({2}, {-1, 1}));
  const Variable x(small_batch(), true);
  nn::Context training(nn::Mode::training), evaluation(nn::Mode::evaluation);
  const Variable y = norm(x, training);
  y.backward(tensor({4, 2}, {0.1F, 0.2F, -0.3F, 0.4F, 0.5F, -0.6F, 0.7F, 0.8F}));
  const Tensor evaluated = norm(x.detach(), evaluation).value();
  return largest_of({{y.value().rows(0, 1), tensor({1, 2}, {-3.13808688F, 0.32918028F})},
                     {x.grad().rows(0, 1), tensor({1, 2}, {0.17562761F, -0.06708184F})},
                     {x.grad().rows(3, 4), tensor({1, 2}, {-0.02290663F, 0.15652456F})},
                     {norm.weight.grad(), tensor({2}, {1.17594778F, -0.89442630F})},
                     {norm.bias.grad(), tensor({2}, {1, 0.8F})},
                     {norm.running_mean.value(), tensor({2}, {0.3F, 0.1F})},
                     {norm.running_var.value(), tensor({2}, {1.36666667F, 1.56666667F})},
                     {evaluated.rows(0, 1), tensor({1, 2}, {0.19755411F, 0.16112044F})}});
}

// Against what Keras keeps after the same batch, with its defaults. Its variance is the biased one of the
// batch; a share of 1 / m is taken off the unbiased one to compare.
double distance_from_keras() {
  nn::BatchNorm norm(2, nn::BatchNormOptions::keras());
  nn::Context training(nn::Mode::training);
  norm(Variable(small_batch()), training);
  constexpr float kExamples = 4, kKept = 0.99F;
  std::vector<float> biased;
  for (const float value : norm.running_var.value().values<float>()) {
    biased.push_back(kKept + (value - kKept) * (kExamples - 1) / kExamples);
  }
  return largest_of({{norm.running_mean.value(), tensor({2}, {0.03F, 0.01F})},
                     {Tensor::from<float>({2}, biased), tensor({2}, {1.025F, 1.04F})}});
}

Json run(const Json&, const TrialContext&) {
  return {{"different_options", different_options()},
          {"distance", distance_from_pytorch()},
          {"keras", distance_from_keras()}};
}

const Measurement& signature() {
  static const Measurement measurement = {
      .name = "signatures", .version = 2, .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) { plan.add_once("BN", signature(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> options = results.values("BN", "different_options");
  const std::vector<double> distance = results.values("BN", "distance");
  report.expect_all_at_most("A layer without options has those of PyTorch's signature: none differs", options,
                            0);
  const std::vector<double> keras = results.values("BN", "keras");
  report.expect_all_at_most("With them it gives PyTorch's numbers", distance, kBound);
  report.expect_all_at_most("With Keras's epsilon and momentum it keeps Keras's statistics", keras, kBound);
  report.add({"options that differ", options});
  report.add({"largest difference from PyTorch's numbers", distance});
  report.add({"largest difference from Keras's statistics", keras});
  report.add(chart_of_differences("Differences from the numbers of other frameworks",
                                  {{"PyTorch", distance}, {"Keras", keras}}, kBound));
  report.set_sentence(
      fmt::format("Of {} options of the signature {:g} differ; results are PyTorch's to {:.1g}, "
                  "and statistics Keras's to {:.1g}, once its biased variance is allowed for.",
                  kSignature.size(), mean_of(options), mean_of(distance), mean_of(keras)));
  report.note(
      "Keras averages the biased variances of batches, Keel and PyTorch the unbiased ones, as the paper's "
      "algorithm does.");
}

}  // namespace

Claim signatures() {
  return {.id = "signatures",
          .title = "The signatures of BN layers, with epsilon 1e-5",
          .sources = {{Article::faster}},
          .question = "Are the options and defaults that the article lists what a BN layer needs and has?",
          .setting = "A BN layer without options, on a batch of 4 examples of 2 features",
          .measure = fmt::format(
              "Options that differ from BatchNorm2d(eps=1e-05, momentum=0.1, affine=True, "
              "track_running_stats=True); largest difference of outputs, gradients and running statistics "
              "from PyTorch's, and of statistics from Keras's, at most {:g}",
              kBound),
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
