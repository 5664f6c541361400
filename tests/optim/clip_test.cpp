// Gradient clipping against PyTorch's (scripts/make_golden_optim.py), and its contract.
#include "keel/optim/clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/errors.h"
#include "support/random_tensor.h"
#include "support/threads.h"

namespace keel::optim {
namespace {

using testing::message_of;
using testing::random_tensor;

const nlohmann::json& golden() {
  static const auto json = nlohmann::json::parse(std::ifstream(KEEL_SOURCE_DIR "/tests/golden/optim.json"));
  return json;
}

Variable with_gradient(const Tensor& gradient) {
  Variable variable(Tensor::zeros_like(gradient), true);
  variable.set_grad(gradient.clone());
  return variable;
}

std::vector<Variable> golden_parameters(std::size_t step) {
  std::vector<Variable> parameters;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto shape = golden()["shapes"][i].get<std::vector<Index>>();
    const auto numbers = golden()["gradients"][step][i].get<std::vector<double>>();
    parameters.push_back(with_gradient(Tensor::from(Shape(shape), numbers)));
  }
  return parameters;
}

void expect_gradients(const std::vector<Variable>& parameters, const nlohmann::json& expected,
                      double factor) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& found = parameters[i].grad();
    for (Index k = 0; k < found.numel(); ++k) {
      const double right = factor * expected[i][static_cast<std::size_t>(k)].get<double>();
      EXPECT_NEAR(found.data<double>()[k], right, 1e-12 * std::max(1.0, std::abs(right)));
    }
  }
}

TEST(ClipGradients, ByNormIsPyTorchsButForItsEpsilon) {
  const double most = golden()["clip"]["max_norm"].get<double>();
  int clipped = 0;
  for (std::size_t step = 0; step < golden()["clipped"].size(); ++step) {
    const auto& expected = golden()["clipped"][step];
    const double norm = expected["norm"].get<double>();
    const auto parameters = golden_parameters(step);
    EXPECT_NEAR(clip_gradients_by_norm(parameters, most), norm, 1e-12 * norm);
    expect_gradients(parameters, expected["by_norm"], norm > most ? (norm + 1e-6) / norm : 1);
    if (norm <= most) continue;
    ++clipped;
    EXPECT_NEAR(clip_gradients_by_norm(parameters, 1e9), most, 1e-12);
  }
  EXPECT_GE(clipped, 2);
  EXPECT_LT(clipped, golden()["clipped"].size());
}

TEST(ClipGradients, ByValueIsPyTorchs) {
  for (std::size_t step = 0; step < golden()["clipped"].size(); ++step) {
    const auto parameters = golden_parameters(step);
    clip_gradients_by_value(parameters, golden()["clip"]["max_value"].get<double>());
    expect_gradients(parameters, golden()["clipped"][step]["by_value"], 1);
  }
}

// Element for element, as text that tells every bit.
std::vector<double> elements(const Variable& variable) {
  const Tensor wide = variable.grad().to(DType::float64);
  return {wide.data<double>(), wide.data<double>() + wide.numel()};
}

TEST(ClipGradients, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto clip = [] {
    const std::vector<Variable> parameters = {with_gradient(random_tensor({300, 500}, 1, DType::float32)),
                                              with_gradient(random_tensor({77}, 2))};
    const double norm = clip_gradients_by_norm(parameters, 0.7);
    auto all = elements(parameters[0]);
    all.push_back(norm);
    all.push_back(elements(parameters[1])[76]);
    return all;
  };
  const auto one = testing::with_one_thread(clip);
  EXPECT_EQ(one, testing::with_three_threads(clip));
  EXPECT_NEAR(one[150000], std::sqrt(150077), 2);
}

TEST(ClipGradients, SumsInDouble) {
  // 1e30 squared is infinite in float32.
  const Variable huge = with_gradient(Tensor::full({4}, 1e30));
  EXPECT_NEAR(clip_gradients_by_norm(std::vector{huge}, 1), 2e30, 1e24);
  EXPECT_FLOAT_EQ(huge.grad().data<float>()[3], 0.5F);
}

TEST(ClipGradients, LeavesWhatIsSmallAndWhatHasNoGradientAlone) {
  const std::vector<Variable> parameters = {with_gradient(Tensor::from<float>({2}, {3, -4})),
                                            Variable(Tensor::ones({2}), true)};
  EXPECT_EQ(clip_gradients_by_norm(parameters, 5), 5);
  EXPECT_EQ(elements(parameters[0]), (std::vector<double>{3, -4}));
  EXPECT_FALSE(parameters[1].grad().defined());
  clip_gradients_by_value(parameters, 3.5);
  EXPECT_EQ(elements(parameters[0]), (std::vector<double>{3, -3.5}));
  EXPECT_FALSE(parameters[1].grad().defined());
}

TEST(ClipGradients, RejectsBadNumbersAndGradients) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<NamedParameter> parameters = {{"a", with_gradient(Tensor::from<float>({1}, {9}))},
                                                  {"b", with_gradient(Tensor::full({2}, nan))}};
  EXPECT_EQ(message_of<ValueError>([&] { clip_gradients_by_norm(parameters, 0); }),
            "[clip_gradients_by_norm] max_norm 0: expected a finite number above 0");
  EXPECT_EQ(message_of<ValueError>([&] { clip_gradients_by_value(parameters, nan); }),
            "[clip_gradients_by_value] max_value nan: expected a finite number above 0");
  EXPECT_EQ(message_of<ValueError>([&] { clip_gradients_by_norm(parameters, 1); }),
            "[clip_gradients_by_norm] the gradient of 'b' has elements that are not finite");
  EXPECT_EQ(parameters[0].variable.grad().item(), 9);
  clip_gradients_by_value(parameters, 1);
  EXPECT_EQ(parameters[0].variable.grad().item(), 1);
  EXPECT_TRUE(std::isnan(parameters[1].variable.grad().at({0})));
  EXPECT_EQ(message_of<ValueError>([&] {
              clip_gradients_by_norm(std::vector{parameters[0], parameters[0]}, 1);
            }),
            "[clip_gradients_by_norm] the parameter 'a' is given twice");
  EXPECT_EQ(
      message_of<Error>([&] { clip_gradients_by_norm(std::vector{Variable(Tensor::ones({1}), true)}, 1); }),
      "[clip_gradients_by_norm] no parameter has a gradient: expected a backward() before");
  const Variable vast = with_gradient(Tensor::full({2}, 1e200, DType::float64));
  EXPECT_EQ(message_of<ValueError>([&] { clip_gradients_by_norm(std::vector{vast}, 1); }),
            "[clip_gradients_by_norm] the squares of the gradients are too large to sum");
}

}  // namespace
}  // namespace keel::optim
