// Every optimiser against PyTorch's, over six steps with a rate that changes (scripts/make_golden_optim.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "keel/optim/adam.h"
#include "keel/optim/rmsprop.h"
#include "keel/optim/sgd.h"

namespace keel::optim {
namespace {

using Json = nlohmann::json;
using Make = std::function<std::unique_ptr<Optimizer>(ParameterGroups)>;

const Json& golden() {
  static const Json json = Json::parse(std::ifstream(KEEL_SOURCE_DIR "/tests/golden/optim.json"));
  return json;
}

Make adam(AdamOptions options) {
  return [options](ParameterGroups groups) { return std::make_unique<Adam>(std::move(groups), options); };
}
Make rmsprop(RmsPropOptions options) {
  return [options](ParameterGroups groups) { return std::make_unique<RmsProp>(std::move(groups), options); };
}
Make sgd(SgdOptions options) {
  return [options](ParameterGroups groups) { return std::make_unique<Sgd>(std::move(groups), options); };
}

struct Case {
  const char* name;
  Make make;
};
const Case kCases[] = {
    {"adam", adam({})},
    {"adam_l2", adam({.weight_decay = 0.1})},
    {"adam_other_numbers", adam({.beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-3})},
    {"adamw", adam(AdamOptions::adamw(0.1))},
    {"rmsprop", rmsprop({})},
    {"rmsprop_l2", rmsprop({.weight_decay = 0.1})},
    {"rmsprop_momentum", rmsprop({.alpha = 0.9, .epsilon = 1e-3, .momentum = 0.9, .weight_decay = 0.1})},
    {"sgd", sgd({})},
    {"sgd_l2", sgd({.weight_decay = 0.1})},
    {"momentum", sgd({.momentum = 0.9, .weight_decay = 0.1})},
    {"nesterov", sgd({.momentum = 0.8, .nesterov = true, .weight_decay = 0.1})},
};

Tensor tensor(const Json& numbers, std::size_t parameter, DType dtype) {
  const auto extents = golden()["shapes"][parameter].get<std::vector<Index>>();
  return Tensor::from(Shape(extents), numbers[parameter].get<std::vector<double>>()).to(dtype);
}

// The second parameter in a group of its own.
std::vector<ParameterGroup> two_groups(const std::vector<Variable>& parameters) {
  std::vector<ParameterGroup> groups(2);
  groups[0].parameters = named_parameters({parameters[0]});
  groups[1].parameters = named_parameters({parameters[1]});
  groups[1].learning_rate_scale = golden()["other_group"]["learning_rate_scale"].get<double>();
  groups[1].weight_decay = golden()["other_group"]["weight_decay"].get<double>();
  return groups;
}

// The largest |found - expected| / max(1, |expected|) over all steps.
double worst_error(const Case& tested, bool groups, DType dtype) {
  const Json& after = golden()["after"][tested.name + std::string(groups ? "_groups" : "")];
  std::vector<Variable> parameters;
  for (std::size_t i = 0; i < 2; ++i) parameters.emplace_back(tensor(golden()["values"], i, dtype), true);
  const std::unique_ptr<Optimizer> optimizer =
      groups ? tested.make(two_groups(parameters)) : tested.make(parameters);
  double worst = 0;
  const auto rates = golden()["learning_rates"].get<std::vector<double>>();
  for (std::size_t step = 0; step < rates.size(); ++step) {
    for (std::size_t i = 0; i < 2; ++i) parameters[i].set_grad(tensor(golden()["gradients"][step], i, dtype));
    optimizer->step(rates[step]);
    for (std::size_t i = 0; i < 2; ++i) {
      const Tensor expected = tensor(after[step], i, DType::float64);
      const Tensor found = parameters[i].value().to(DType::float64);
      for (Index k = 0; k < expected.numel(); ++k) {
        const double right = expected.data<double>()[k];
        const double error = std::abs(found.data<double>()[k] - right) / std::max(1.0, std::abs(right));
        if (!(error <= worst)) worst = error;  // NaN too
      }
    }
  }
  return worst;
}

TEST(GoldenOptimizers, MatchPyTorchInFloat64) {
  for (const Case& tested : kCases) {
    for (const bool groups : {false, true}) {
      // 13 digits are stored.
      EXPECT_LE(worst_error(tested, groups, DType::float64), 1e-12)
          << tested.name << (groups ? " groups" : "");
    }
  }
}

TEST(GoldenOptimizers, MatchPyTorchInFloat32) {
  for (const Case& tested : kCases) {
    for (const bool groups : {false, true}) {
      // Each of six steps rounds the parameter, and what is added to it, at 6e-8 relative.
      EXPECT_LE(worst_error(tested, groups, DType::float32), 1e-6)
          << tested.name << (groups ? " groups" : "");
    }
  }
}

}  // namespace
}  // namespace keel::optim
