// GRU and RNN where they differ from the LSTM, which tests what all recurrent layers have in common; values
// are checked in tests/integration/golden_recurrent_test.cpp.
#include <gtest/gtest.h>

#include "keel/nn/gru.h"
#include "keel/nn/rnn.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::GRU;
using nn::RecurrentNorm;
using nn::RecurrentOptions;
using nn::RNN;
using nn::RNNActivation;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;

template <class Make>
void expect_sound(const Make& make) {
  for (const RecurrentNorm norm : {RecurrentNorm::none, RecurrentNorm::layer, RecurrentNorm::batch}) {
    const RecurrentOptions options = {
        .return_sequences = true, .norm = norm, .timesteps = 3, .epsilon = 0.01, .state_noise = 0.5};
    EXPECT_TRUE(check_module(
        [&](Rng& rng) { return make(rng, options); },
        {.input = random_tensor({4, 3, 2}, 3), .output_shape = {4, 3, 3}, .differs_in_training = true}))
        << "norm " << static_cast<int>(norm);
  }
}

TEST(GRULayer, IsASoundLayer) {
  expect_sound([](Rng& rng, const RecurrentOptions& options) -> std::shared_ptr<nn::Module> {
    return std::make_shared<GRU>(2, 3, rng, options);
  });
}

TEST(RNNLayer, IsASoundLayer) {
  for (const RNNActivation activation : {RNNActivation::tanh, RNNActivation::relu}) {
    expect_sound([&](Rng& rng, const RecurrentOptions& options) -> std::shared_ptr<nn::Module> {
      return std::make_shared<RNN>(2, 3, rng, options, activation);
    });
  }
}

std::vector<std::string> parameters_of(const nn::Module& layer) {
  std::vector<std::string> found;
  for (const auto& [name, variable] : layer.named_parameters()) {
    found.push_back(name + variable.shape().to_string());
  }
  return found;
}

TEST(GRULayer, HasABiasInsideTheResetGatesProduct) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(parameters_of(GRU(2, 3, rng)), (std::vector<std::string>{"weight_ih_l0[2,9]", "weight_hh_l0[3,9]",
                                                                     "bias_ih_l0[9]", "bias_hh_l0[9]"}));
  EXPECT_EQ(parameters_of(GRU(2, 3, rng, {.norm = RecurrentNorm::layer})),
            (std::vector<std::string>{"weight_ih_l0[2,9]", "weight_hh_l0[3,9]", "norm_ih.weight[9]",
                                      "norm_ih.bias[9]", "norm_hh.weight[9]", "norm_hh.bias[9]"}));
  EXPECT_EQ(
      parameters_of(RNN(2, 3, rng, {.norm = RecurrentNorm::layer})),
      (std::vector<std::string>{"weight_ih_l0[2,3]", "weight_hh_l0[3,3]", "norm.weight[3]", "norm.bias[3]"}));
}

// One candidate has no variance of its own, though three gates have.
TEST(GRULayer, LayerNormalizationNeedsTwoUnits) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([&] { GRU(2, 1, rng, {.norm = RecurrentNorm::layer}); }),
            "[gru] norm layer: expected at least 2 units to normalise over, found 1");
}

TEST(GRULayer, HasNoForgetGate) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([&] { GRU(2, 3, rng, {.forget_bias = 1}); }),
            "[gru] forget_bias: there is no forget gate");
}

}  // namespace
}  // namespace keel
