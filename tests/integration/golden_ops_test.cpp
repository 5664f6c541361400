// Operations against PyTorch: output, and the gradient of every input.
#include <gtest/gtest.h>

#include "keel/ops/dense.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/embedding.h"
#include "keel/ops/loss.h"
#include "keel/ops/softmax.h"
#include "support/golden_cases.h"

namespace keel::golden {
namespace {

class GoldenOps : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenOps, Activations) {
  check_topic("activations", GetParam(),
              {
                  {"relu", [](const Arguments& a) { return relu(a["x"]); }},
                  {"sigmoid", [](const Arguments& a) { return sigmoid(a["x"]); }},
                  {"tanh", [](const Arguments& a) { return tanh(a["x"]); }},
                  {"leaky_relu",
                   [](const Arguments& a) { return leaky_relu(a["x"], a.options.at("negative_slope")); }},
                  {"elu", [](const Arguments& a) { return elu(a["x"], a.options.at("alpha")); }},
                  {"selu", [](const Arguments& a) { return selu(a["x"]); }},
                  {"gelu", [](const Arguments& a) { return gelu(a["x"]); }},
                  {"gelu_tanh", [](const Arguments& a) { return gelu(a["x"], GeluApproximation::tanh); }},
                  {"silu", [](const Arguments& a) { return silu(a["x"]); }},
                  {"softplus",
                   [](const Arguments& a) {
                     return softplus(a["x"], a.options.value("beta", 1.0),
                                     a.options.value("threshold", 20.0));
                   }},
                  {"hard_sigmoid", [](const Arguments& a) { return hard_sigmoid(a["x"]); }},
                  {"softmax", [](const Arguments& a) { return softmax(a["x"]); }},
                  {"log_softmax", [](const Arguments& a) { return log_softmax(a["x"]); }},
              });
}

TEST_P(GoldenOps, Dense) {
  check_topic("dense", GetParam(),
              {{"dense", [](const Arguments& a) { return dense(a["x"], a["weight"], a["bias"]); }}});
}

TEST_P(GoldenOps, Embedding) {
  check_topic("embedding", GetParam(), {{"embedding", [](const Arguments& a) {
                                           std::optional<Index> padding_idx;
                                           if (a.options.contains("padding_idx")) {
                                             padding_idx = a.options.at("padding_idx").get<Index>();
                                           }
                                           return embedding(a.labels, a["weight"], padding_idx);
                                         }}});
}

TEST_P(GoldenOps, Losses) {
  check_topic("losses", GetParam(),
              {
                  {"softmax_cross_entropy",
                   [](const Arguments& a) { return softmax_cross_entropy(a["logits"], a.labels); }},
                  {"mean_squared_error",
                   [](const Arguments& a) { return mean_squared_error(a["prediction"], a["target"]); }},
              });
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenOps, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace keel::golden
