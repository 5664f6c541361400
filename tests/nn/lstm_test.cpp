#include "keel/nn/lstm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/nn/layer_norm.h"
#include "keel/nn/timestep_batch_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::LSTM;
using nn::Mode;
using nn::RecurrentNorm;
using nn::RecurrentOptions;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

constexpr RecurrentNorm kNorms[] = {RecurrentNorm::none, RecurrentNorm::layer, RecurrentNorm::batch};

LSTM lstm(const RecurrentOptions& options = {}) {
  Rng rng(1, Stream::initialization);
  return LSTM(3, 2, rng, options);
}

Variable run(nn::Module& layer, const Variable& x, Mode mode, std::uint64_t seed = 1) {
  Context context(mode, Rng(seed, Stream::dropout));
  return layer(x, context);
}

TEST(LSTMLayer, IsASoundLayer) {
  for (const bool sequences : {false, true}) {
    for (const RecurrentNorm norm : kNorms) {
      for (const double noise : {0.0, 0.5}) {
        // An epsilon that keeps the second differences of a norm over few units small.
        const RecurrentOptions options = {.return_sequences = sequences,
                                          .norm = norm,
                                          .timesteps = 3,
                                          .epsilon = 0.01,
                                          .state_noise = noise};
        EXPECT_TRUE(check_module([&](Rng& rng) { return std::make_shared<LSTM>(2, 3, rng, options); },
                                 {.input = random_tensor({4, 3, 2}),
                                  .output_shape = sequences ? Shape{4, 3, 3} : Shape{4, 3},
                                  .differs_in_training = noise > 0 || norm == RecurrentNorm::batch}))
            << "sequences " << sequences << ", norm " << static_cast<int>(norm) << ", noise " << noise;
      }
    }
  }
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// The formula, written down again for one example and one unit.
TEST(LSTMLayer, IsTheFormula) {
  Rng rng(1, Stream::initialization);
  LSTM layer(1, 1, rng);
  layer.to(DType::float64);
  const Tensor x = random_tensor({1, 4, 1});
  double h = 0, c = 0;
  for (Index t = 0; t < 4; ++t) {
    double z[4];
    for (Index gate = 0; gate < 4; ++gate) {
      z[gate] = x.at({0, t, 0}) * layer.weight_ih.value().at({0, gate}) + layer.bias_ih.value().at({gate}) +
                h * layer.weight_hh.value().at({0, gate}) + layer.bias_hh.value().at({gate});
    }
    c = logistic(z[1]) * c + logistic(z[0]) * std::tanh(z[2]);
    h = logistic(z[3]) * std::tanh(c);
  }
  EXPECT_NEAR(run(layer, Variable(x), Mode::evaluation).item(), h, 1e-15);
}

TEST(LSTMLayer, TheLastStepOfAllIsTheOneItReturnsOtherwise) {
  for (const RecurrentNorm norm : kNorms) {
    LSTM last = lstm({.norm = norm, .timesteps = 4});
    LSTM all = lstm({.return_sequences = true, .norm = norm, .timesteps = 4});
    const Variable x(random_tensor({5, 4, 3}, 1, DType::float32));
    const Tensor sequence = run(all, x, Mode::training).value(), h = run(last, x, Mode::training).value();
    for (Index n = 0; n < 5; ++n) {
      for (Index u = 0; u < 2; ++u) EXPECT_EQ(sequence.at({n, 3, u}), h.at({n, u}));
    }
  }
}

TEST(LSTMLayer, HasPyTorchsParameters) {
  const auto names = [](const nn::Module& layer) {
    std::vector<std::string> found;
    for (const auto& [name, variable] : layer.named_state())
      found.push_back(name + variable.shape().to_string());
    return found;
  };
  EXPECT_EQ(names(lstm()), (std::vector<std::string>{"weight_ih_l0[3,8]", "weight_hh_l0[2,8]",
                                                     "bias_ih_l0[8]", "bias_hh_l0[8]"}));
  EXPECT_EQ(
      names(lstm({.norm = RecurrentNorm::batch, .timesteps = 5})),
      (std::vector<std::string>{
          "weight_ih_l0[3,8]", "weight_hh_l0[2,8]", "norm_ih.weight[8]", "norm_ih.bias[8]",
          "norm_ih.running_mean[5,8]", "norm_ih.running_var[5,8]", "norm_ih.num_batches_tracked[5]",
          "norm_hh.weight[8]", "norm_hh.running_mean[5,8]", "norm_hh.running_var[5,8]",
          "norm_hh.num_batches_tracked[5]", "norm_cell.weight[2]", "norm_cell.bias[2]",
          "norm_cell.running_mean[5,2]", "norm_cell.running_var[5,2]", "norm_cell.num_batches_tracked[5]"}));
}

TEST(LSTMLayer, StartsAsPyTorchsUnlessToldOtherwise) {
  Rng rng(1, Stream::initialization);
  const LSTM layer(3, 64, rng);
  for (const Variable& parameter : layer.parameters()) {
    double largest = 0;
    for (const float each : parameter.value().values<float>())
      largest = std::max(largest, std::abs(double{each}));
    EXPECT_LE(largest, 0.125);  // 1 / sqrt(64)
    EXPECT_GT(largest, 0.12);
  }
  const RecurrentOptions options = {
      .recurrent_init = nn::identity(), .bias_init = nn::zeros(), .forget_bias = 1.5};
  for (const RecurrentNorm norm : kNorms) {
    RecurrentOptions with_norm = options;
    with_norm.norm = norm;
    with_norm.timesteps = 1;
    const LSTM other = lstm(with_norm);
    for (Index gate = 0; gate < 4; ++gate) {
      EXPECT_EQ(other.weight_hh.value().at({0, 2 * gate}), 1);
      EXPECT_EQ(other.weight_hh.value().at({1, 2 * gate}), 0);
      const Variable bias = other.parameters()[norm == RecurrentNorm::none ? 2 : 3];
      EXPECT_EQ(bias.value().at({2 * gate + 1}), gate == 1 ? 1.5 : 0);
    }
    if (norm == RecurrentNorm::none) {
      EXPECT_EQ(other.bias_hh.value().at({2}), 0);
    }
  }
}

TEST(LSTMLayer, GammaStartsFromATenthWithBatchStatistics) {
  const auto layer = lstm({.norm = RecurrentNorm::batch, .timesteps = 1});
  const auto of_example = lstm({.norm = RecurrentNorm::layer});
  EXPECT_EQ(dynamic_cast<const nn::LayerNorm&>(*of_example.norm_cell).weight.value().at({0}), 1);
  const auto other = lstm({.norm = RecurrentNorm::batch, .timesteps = 1, .initial_gamma = 0.5});
  const auto gamma = [](const LSTM& of) {
    return dynamic_cast<const nn::TimestepBatchNorm&>(*of.norm_cell).weight.value().at({0});
  };
  EXPECT_FLOAT_EQ(static_cast<float>(gamma(layer)), 0.1F);
  EXPECT_EQ(gamma(other), 0.5);
}

// Products of all rows are summed in one order, whatever the number of rows.
TEST(LSTMLayer, EvaluationTreatsEachSequenceByItselfAndMayBeLongerThanTraining) {
  for (const RecurrentNorm norm : kNorms) {
    LSTM layer = lstm({.return_sequences = true, .norm = norm, .timesteps = 3, .state_noise = 0.1});
    run(layer, Variable(random_tensor({6, 3, 3}, 1, DType::float32)), Mode::training);
    const Tensor x = random_tensor({7, 9, 3}, 2, DType::float32);
    const Tensor together = run(layer, Variable(x), Mode::evaluation, 1).value();
    EXPECT_TRUE(same_bits(together, run(layer, Variable(x), Mode::evaluation, 2).value()));
    for (const Index n : {0, 3, 6}) {
      const Tensor alone = run(layer, Variable(x.rows(n, n + 1).clone()), Mode::evaluation).value();
      EXPECT_TRUE(same_bits(alone, together.rows(n, n + 1).clone())) << n;
    }
  }
}

TEST(LSTMLayer, NoiseOfTheFirstStateIsDrawnInTrainingOnly) {
  LSTM noisy = lstm({.state_noise = 0.5}), plain = lstm();
  const Variable x(random_tensor({5, 2, 3}, 1, DType::float32));
  const Tensor expected = run(plain, x, Mode::training).value();
  EXPECT_TRUE(same_bits(run(noisy, x, Mode::evaluation).value(), expected));
  const Tensor first = run(noisy, x, Mode::training, 1).value();
  EXPECT_FALSE(same_bits(first, expected));
  EXPECT_TRUE(same_bits(first, run(noisy, x, Mode::training, 1).value()));
  EXPECT_FALSE(same_bits(first, run(noisy, x, Mode::training, 2).value()));
}

// The norm of all gradients behind black rows at the top of every image: products without a variance.
double gradient_behind(Index black, RecurrentNorm norm, const nn::Initializer& bias_init, double noise) {
  Rng rng(1, Stream::initialization);
  LSTM layer(28, 50, rng, {.norm = norm, .timesteps = 28, .state_noise = noise, .bias_init = bias_init});
  Tensor x = random_tensor({20, 28, 28}, 1, DType::float32);
  for (Index n = 0; n < 20; ++n) x.rows(n, n + 1).reshape({28, 28}).rows(0, black).fill(0);
  run(layer, Variable(x), Mode::training).backward(random_tensor({20, 50}, 2, DType::float32));
  double squares = 0;
  for (const Variable& parameter : layer.parameters()) {
    for (const float each : parameter.grad().values<float>()) squares += double{each} * double{each};
  }
  return std::sqrt(squares);
}

// How many times as large it is as without black rows.
double growth(Index black, RecurrentNorm norm, const nn::Initializer& bias_init, double noise = 0) {
  return gradient_behind(black, norm, bias_init, noise) / gradient_behind(0, norm, bias_init, noise);
}

TEST(LSTMLayer, BiasesOrANoisyStateBoundGradientsBehindConstantRows) {
  EXPECT_GT(growth(3, RecurrentNorm::layer, nn::zeros()), 1e6);
  EXPECT_FALSE(growth(10, RecurrentNorm::layer, nn::zeros()) < 1e30);  // perhaps NaN
  EXPECT_GT(growth(10, RecurrentNorm::batch, nn::zeros()), 1e6);
  for (const Index black : {3, 10}) {
    SCOPED_TRACE(black);
    EXPECT_NEAR(growth(black, RecurrentNorm::none, nn::zeros()), 1, 0.5);
    EXPECT_LT(growth(black, RecurrentNorm::layer, nn::pytorch_default()), 5);
    EXPECT_LT(growth(black, RecurrentNorm::layer, nn::zeros(), 0.1), 5);
    EXPECT_LT(growth(black, RecurrentNorm::batch, nn::zeros(), 0.1), 2);
  }
}

TEST(LSTMLayer, RejectsWhatDoesNotFit) {
  Rng rng(1, Stream::initialization);
  LSTM layer = lstm(), normalised = lstm({.norm = RecurrentNorm::batch, .timesteps = 2});
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 3})), Mode::training);
            }),
            "[lstm] expected sequences [N,T,3] of at least one step, found [4,3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              run(layer, Variable(Tensor::zeros({4, 0, 3})), Mode::training);
            }),
            "[lstm] expected sequences [N,T,3] of at least one step, found [4,0,3]");
  EXPECT_EQ(message_of<ValueError>([&] { LSTM(0, 2, rng); }),
            "[lstm] expected at least 1 feature and 1 unit, found 0 and 2");
  EXPECT_TRUE(message_of<ValueError>([&] {
                LSTM(3, 2, rng, {.epsilon = 0});
              }).starts_with("[lstm] expected epsilon > 0"));
  EXPECT_EQ(message_of<ValueError>([&] { LSTM(3, 2, rng, {.state_noise = -1}); }),
            "[lstm] expected a state_noise of at least 0, found -1");
  EXPECT_EQ(
      message_of<ValueError>([&] { LSTM(3, 2, rng, {.norm = RecurrentNorm::batch}); }),
      "[lstm] norm batch: expected the number of timesteps that have statistics of their own, at least 1, "
      "found 0");
  EXPECT_EQ(message_of<ValueError>([&] {
              run(normalised, Variable(Tensor::zeros({1, 2, 3})), Mode::training);
            }),
            "layer norm_ih (timestep_batch_norm): [timestep_batch_norm] expected more than one example in "
            "training, "
            "found 1: use larger batches, or drop the incomplete last batch");
}

}  // namespace
}  // namespace keel
