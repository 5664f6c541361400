// What tables, logs and messages see of the parts of recurrent layers, which run at each timestep.
#include <gtest/gtest.h>

#include <limits>

#include "keel/nn/dense.h"
#include "keel/nn/lstm.h"
#include "keel/nn/rnn.h"
#include "keel/nn/sequential.h"
#include "keel/train/distributions.h"
#include "keel/train/non_finite.h"
#include "keel/train/summary.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::random_tensor;
using nn::RecurrentNorm;

nn::Sequential lstm_model(RecurrentNorm norm) {
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::LSTM>(2, 3, rng, nn::RecurrentOptions{.norm = norm, .timesteps = 4});
  model.add<nn::Dense>(3, 2, rng);
  return model;
}

constexpr RecurrentNorm kNorms[] = {RecurrentNorm::layer, RecurrentNorm::batch};

std::vector<std::string> listed(const auto& layers) {
  std::vector<std::string> paths;
  for (const auto& layer : layers) paths.push_back(layer.path);
  return paths;
}

TEST(RecurrentParts, AreListedOnceThoughTheyRunAtEachStep) {
  for (const RecurrentNorm norm : kNorms) {
    nn::Sequential model = lstm_model(norm);
    const std::vector<LayerSummary> layers = summarize(model, {4, 2});
    EXPECT_EQ(listed(layers), (std::vector<std::string>{"0.norm_ih", "0.norm_hh", "0.norm_cell", "0", "1"}));
    Index parameters = 0;
    for (const LayerSummary& layer : layers) parameters += layer.parameters;
    EXPECT_EQ(parameters, model.num_parameters());
    EXPECT_EQ(layers[3].parameters, 2 * 12 + 3 * 12);
  }
}

TEST(RecurrentParts, HaveTheirDistributions) {
  const Tensor x = random_tensor({6, 4, 2}, 1, DType::float32);
  for (const RecurrentNorm norm : kNorms) {
    EXPECT_EQ(listed(layer_distributions(lstm_model(norm), x, nn::Context(nn::Mode::training))),
              (std::vector<std::string>{"0.norm_ih", "0.norm_hh", "0.norm_cell", "0", "1", "output"}));
  }
}

TEST(RecurrentParts, AreWhereANonFiniteValueIsFound) {
  for (const RecurrentNorm norm : kNorms) {
    nn::Sequential model = lstm_model(norm);
    for (auto& [name, parameter] : model.named_parameters()) {
      if (name == "0.norm_cell.bias") parameter.mutable_value().fill(std::numeric_limits<float>::infinity());
    }
    const std::string place =
        locate_non_finite(model, {.inputs = random_tensor({6, 4, 2}, 1, DType::float32), .labels = {}},
                          nn::Context(nn::Mode::training));
    EXPECT_TRUE(place.starts_with("first in the output of layer 0.norm_cell (")) << place;
  }
}

TEST(RecurrentParts, AreNamedInErrors) {
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::RNN>(2, 3, rng, nn::RecurrentOptions{.norm = RecurrentNorm::batch, .timesteps = 4});
  nn::Context context(nn::Mode::training);
  EXPECT_EQ(message_of<ValueError>([&] {
              model(Variable(Tensor::zeros({1, 4, 2})), context);
            }),
            "layer 0.norm (timestep_batch_norm): [timestep_batch_norm] expected more than one example in "
            "training, found 1: use larger batches, or drop the incomplete last batch");
}

}  // namespace
}  // namespace keel::train
