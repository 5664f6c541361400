// Layers that normalise each example by itself against PyTorch: output, and the gradient of every input.
#include <gtest/gtest.h>

#include "keel/nn/group_norm.h"
#include "keel/nn/instance_norm.h"
#include "keel/nn/layer_norm.h"
#include "keel/nn/rms_norm.h"
#include "keel/ops/group_norm.h"
#include "support/golden_cases.h"

namespace keel::golden {
namespace {

double epsilon_of(const Arguments& a) { return a.options.value("epsilon", 1e-5); }

class GoldenExampleNorms : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenExampleNorms, Operations) {
  check_topic("example_norms", GetParam(),
              {{"layer_norm",
                [](const Arguments& a) {
                  return layer_norm(a["x"], a["gamma"], a["beta"],
                                    {.axes = a.options.value("axes", 1), .epsilon = epsilon_of(a)});
                }},
               {"group_norm",
                [](const Arguments& a) {
                  return group_norm(
                      a["x"], a["gamma"], a["beta"],
                      {.groups = a.options.value("groups", Index{1}), .epsilon = epsilon_of(a)});
                }},
               {"instance_norm",
                [](const Arguments& a) {
                  return group_norm(a["x"], a["gamma"], a["beta"],
                                    {.groups = a["x"].shape()[-1], .epsilon = epsilon_of(a)});
                }},
               {"rms_norm", [](const Arguments& a) {
                  return layer_norm(a["x"], a["gamma"], Variable(),
                                    {.epsilon = epsilon_of(a), .subtract_mean = false});
                }}});
}

// The layer of a case, named like it.
std::shared_ptr<nn::Module> layer_of(const std::string& name, const Arguments& a) {
  const Shape& input = a["x"].shape();
  const double epsilon = epsilon_of(a);
  const bool affine = a["gamma"].defined();
  if (name.starts_with("layer_norm")) {
    const int axes = a.options.value("axes", 1);
    return std::make_shared<nn::LayerNorm>(
        Shape(std::span(input.end() - axes, input.end())),
        nn::LayerNormOptions{.epsilon = epsilon, .scale = affine, .center = affine});
  }
  if (name.starts_with("group_norm")) {
    return std::make_shared<nn::GroupNorm>(a.options.at("groups").get<Index>(), input[-1],
                                           nn::GroupNormOptions{.epsilon = epsilon});
  }
  if (name.starts_with("instance_norm")) {
    return std::make_shared<nn::InstanceNorm>(input[-1],
                                              nn::InstanceNormOptions{.epsilon = epsilon, .affine = affine});
  }
  return std::make_shared<nn::RMSNorm>(input[-1], nn::RMSNormOptions{.epsilon = epsilon});
}

TEST_P(GoldenExampleNorms, Layers) {
  for (const Json& item : cases("example_norms")) {
    SCOPED_TRACE(item.at("name"));
    const Arguments arguments = arguments_of(item, GetParam());
    const auto layer = layer_of(item.at("name"), arguments);
    layer->to(GetParam());
    for (nn::NamedVariable& named : layer->named_parameters()) {
      named.variable.set_value(arguments[named.name == "weight" ? "gamma" : "beta"].value());
    }
    nn::Context context(nn::Mode::training);
    const Variable output = (*layer)(arguments["x"], context);
    EXPECT_TRUE(is_close(output.value(), item.at("output"), tolerance_of(GetParam())));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenExampleNorms, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace keel::golden
