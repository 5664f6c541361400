// Optimisers against PyTorch's: parameters after five steps with given gradients.
#include <gtest/gtest.h>

#include <memory>

#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "support/golden.h"

namespace keel::golden {
namespace {

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const Json& options,
                                                 const std::vector<Variable>& parameters) {
  const double weight_decay = options.value("weight_decay", 0.0);
  if (name.starts_with("sgd")) {
    return std::make_unique<optim::Sgd>(parameters,
                                        optim::SgdOptions{.momentum = options.value("momentum", 0.0),
                                                          .nesterov = options.value("nesterov", false),
                                                          .weight_decay = weight_decay});
  }
  optim::AdamOptions adam{.weight_decay = weight_decay, .decoupled = name.starts_with("adamw")};
  if (options.contains("betas")) {
    adam.beta1 = options.at("betas").at(0);
    adam.beta2 = options.at("betas").at(1);
  }
  adam.epsilon = options.value("eps", adam.epsilon);
  return std::make_unique<optim::Adam>(parameters, adam);
}

class GoldenOptimizers : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenOptimizers, FiveSteps) {
  const DType dtype = GetParam();
  for (const Json& item : cases("optimizers")) {
    SCOPED_TRACE(item.at("name"));
    std::vector<Variable> parameters;
    for (const Json& specification : item.at("parameters")) {
      parameters.emplace_back(make(specification, dtype), true);
    }
    const auto optimizer = make_optimizer(item.at("name"), item.at("options"), parameters);
    for (const Json& gradients : item.at("gradients")) {
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i].set_grad(make(gradients.at(i), dtype));
      }
      optimizer->step(item.at("options").at("lr"));
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_TRUE(is_close(parameters[i].value(), item.at("result").at(i), tolerance_of(dtype)))
          << "parameter " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenOptimizers, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace keel::golden
