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

// Against what PyTorch gives for one small batch: outputs and gradients in training, running statistics,
// outputs in evaluation.
double distance_from_pytorch() {
  nn::BatchNorm norm(2);
  norm.weight.mutable_value().copy_from(tensor({2}, {2, 0.5F}));
  norm.bias.mutable_value().copy_from(tensor({2}, {-1, 1}));
  const Variable x(tensor({4, 2}, {1, -2, 2, 0, 3, 4, 6, 2}), true);
  nn::Context training(nn::Mode::training), evaluation(nn::Mode::evaluation);
  const Variable y = norm(x, training);
  y.backward(tensor({4, 2}, {0.1F, 0.2F, -0.3F, 0.4F, 0.5F, -0.6F, 0.7F, 0.8F}));
  const Tensor evaluated = norm(x.detach(), evaluation).value();
  struct Pair {
    Tensor found, expected;
  };
  const Pair pairs[] = {{y.value().rows(0, 1), tensor({1, 2}, {-3.13808688F, 0.32918028F})},
                        {x.grad().rows(0, 1), tensor({1, 2}, {0.17562761F, -0.06708184F})},
                        {x.grad().rows(3, 4), tensor({1, 2}, {-0.02290663F, 0.15652456F})},
                        {norm.weight.grad(), tensor({2}, {1.17594778F, -0.89442630F})},
                        {norm.bias.grad(), tensor({2}, {1, 0.8F})},
                        {norm.running_mean.value(), tensor({2}, {0.3F, 0.1F})},
                        {norm.running_var.value(), tensor({2}, {1.36666667F, 1.56666667F})},
                        {evaluated.rows(0, 1), tensor({1, 2}, {0.19755411F, 0.16112044F})}};
  double largest = 0;
  for (const Pair& pair : pairs) largest = std::max(largest, largest_difference(pair.found, pair.expected));
  return largest;
}

Json run(const Json&, const TrialContext&) {
  return {{"different_options", different_options()}, {"distance", distance_from_pytorch()}};
}

const Measurement& signature() {
  static const Measurement measurement = {
      .name = "signatures", .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) { plan.add_once("BN", signature(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const std::vector<double> options = results.values("BN", "different_options");
  const std::vector<double> distance = results.values("BN", "distance");
  report.expect_all_at_most("A layer without options has those of PyTorch's signature: none differs", options,
                            0);
  report.expect_all_at_most("With them it gives PyTorch's numbers", distance, kBound);
  report.add({"options that differ", options});
  report.add({"largest difference of a number", distance});
  report.add(chart_of_differences("What differs from PyTorch", {{"options", options}, {"numbers", distance}},
                                  kBound));
  report.set_sentence(
      fmt::format("Of {} options of the signature {:g} differ; results are PyTorch's to about {:.1g}.",
                  kSignature.size(), mean_of(options), mean_of(distance)));
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
              "from PyTorch's, at most {:g}",
              kBound),
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study
