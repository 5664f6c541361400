// Recurrent layers in model descriptions.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>

#include "keel/nn/lstm.h"
#include "keel/nn/model_description.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::LSTM;
using nn::ModelDescription;
using nn::RecurrentNorm;
using testing::message_of;

ModelDescription rows_and(const std::string& layer) {
  return ModelDescription::parse(R"({"layers": [{"layer": "reshape", "shape": [8, 6]}, )" + layer +
                                     R"(, {"layer": "dense", "units": "classes"}]})",
                                 "model.json");
}

std::shared_ptr<nn::Sequential> build(const ModelDescription& description, const Shape& input = {8, 6, 1}) {
  return description.build(input, 10, Rng(7, Stream::initialization));
}

TEST(RecurrentDescription, MakesAnLstmOfTheRowsOfImages) {
  const auto model = build(rows_and(
      R"({"layer": "lstm", "units": 5, "norm": "batch", "state_noise": 0.25, "init": "orthogonal",
          "recurrent_init": "identity", "forget_bias": 1, "epsilon": 0.01, "momentum": null})"));
  const auto& layer = dynamic_cast<const LSTM&>(*model->children()[1].module);
  EXPECT_EQ(layer.weight_ih.shape(), (Shape{6, 20}));
  EXPECT_EQ(layer.weight_hh.value().at({0, 5}), 1);
  EXPECT_EQ(layer.options().norm, RecurrentNorm::batch);
  EXPECT_EQ(layer.options().timesteps, 8);
  EXPECT_EQ(layer.options().state_noise, 0.25);
  EXPECT_EQ(layer.options().epsilon, 0.01);
  EXPECT_EQ(layer.options().momentum, std::nullopt);
  EXPECT_EQ(layer.options().initial_gamma, 0.1);
  EXPECT_EQ(layer.named_parameters()[3].variable.value().at({5}), 1);
  EXPECT_EQ(layer.named_parameters()[3].variable.value().at({0}), 0);
  nn::Context context(nn::Mode::training);
  EXPECT_EQ((*model)(Variable(Tensor::zeros({3, 8, 6, 1})), context).shape(), (Shape{3, 10}));
}

// A model is read from a file with no more elements than the file has.
TEST(RecurrentDescription, AsksForNoMoreThanItHolds) {
  for (const char* kind : {"rnn", "lstm", "gru"}) {
    for (const char* norm : {"none", "layer", "batch"}) {
      const ModelDescription description =
          rows_and(fmt::format(R"({{"layer": "{}", "units": 5, "norm": "{}"}})", kind, norm));
      Index elements = 0;
      for (const NamedTensor& named : build(description)->state_dict()) elements += named.tensor.numel();
      EXPECT_NO_THROW(
          description.build({8, 6, 1}, 10, Rng(7, Stream::initialization), {.parameters = elements}))
          << kind << ", " << norm;
    }
  }
}

TEST(RecurrentDescription, SpellsOutWhatItDefaultsAndBuildsTheSameFromIt) {
  const ModelDescription description = rows_and(R"({"layer": "lstm", "units": 5})");
  EXPECT_NE(description.to_json().find(
                R"({"layer":"lstm","units":5,"return_sequences":false,"norm":"none","epsilon":1e-05,)"
                R"("momentum":0.1,"initial_gamma":1.0,"state_noise":0.0,"recurrent_init":"pytorch_default",)"
                R"("forget_bias":null})"),
            std::string::npos)
      << description.to_json();
  const auto model = build(description),
             again = build(ModelDescription::parse(description.to_json(), "text"));
  const Variable x(testing::random_tensor({3, 8, 6, 1}, 1, DType::float32));
  nn::Context context(nn::Mode::evaluation);
  EXPECT_TRUE(testing::same_bits((*model)(x, context).value(), (*again)(x, context).value()));
}

TEST(RecurrentDescription, MakesOtherRecurrentLayers) {
  const auto relu = build(rows_and(R"({"layer": "rnn", "units": 5, "activation": "relu"})"));
  const auto gru = build(rows_and(R"({"layer": "gru", "units": 5, "norm": "layer"})"));
  EXPECT_EQ(relu->children()[1].module->kind(), "rnn");
  EXPECT_EQ(gru->named_parameters()[2].name, "1.norm_ih.weight");
  EXPECT_EQ(gru->named_parameters()[2].variable.shape(), (Shape{15}));
}

// The sum of the first biases' absolute values.
double biases_of(const std::string& layer) {
  double sum = 0;
  for (const auto& [name, variable] : build(rows_and(layer))->named_parameters()) {
    if (name != "1.norm_ih.bias") continue;
    for (const float each : variable.value().values<float>()) sum += std::abs(double{each});
  }
  return sum;
}

TEST(RecurrentDescription, LayerNormalizationOfAStateOfZerosHasBiases) {
  const std::string layer = R"({"layer": "lstm", "units": 5, "init": "orthogonal", "norm": "layer")";
  EXPECT_GT(biases_of(layer + "}"), 1);
  EXPECT_EQ(biases_of(layer + R"(, "state_noise": 0.1})"), 0);
  EXPECT_EQ(biases_of(R"({"layer": "lstm", "units": 5, "init": "orthogonal", "norm": "batch"})"), 0);
}

TEST(RecurrentDescription, RefusesWhatTheNormDoesNotUse) {
  const auto error_of = [](const std::string& options) {
    return message_of<FileError>([&] { rows_and(R"({"layer": "gru", "units": 5, )" + options + "}"); });
  };
  EXPECT_EQ(
      error_of(R"("norm": "layer", "momentum": 0.2)"),
      "model.json: layers[1] (gru): momentum: expected 0.1 or nothing with norm \"layer\", which does not "
      "use it, found 0.2");
  EXPECT_EQ(error_of(R"("momentum": null)"),
            "model.json: layers[1] (gru): momentum: expected a number from 0 to 1, found null");
  EXPECT_EQ(
      error_of(R"("initial_gamma": 0.1)"),
      "model.json: layers[1] (gru): initial_gamma: expected 1.0 or nothing with norm \"none\", which does "
      "not use it, found 0.1");
  EXPECT_EQ(
      error_of(R"("epsilon": 0.1)"),
      "model.json: layers[1] (gru): epsilon: expected 1e-05 or nothing with norm \"none\", which does not "
      "use it, found 0.1");
}

TEST(RecurrentDescription, SaysWhatIsWrong) {
  const auto error_of = [](const std::string& layer) {
    return message_of<FileError>([&] { rows_and(layer); });
  };
  EXPECT_EQ(error_of(R"({"layer": "lstm"})"),
            "model.json: layers[1] (lstm): units: expected an integer from 1 to 2147483647, found nothing");
  EXPECT_EQ(error_of(R"({"layer": "lstm", "units": 5, "norm": "group"})"),
            R"(model.json: layers[1] (lstm): norm: expected "none", "layer", "batch", found "group")");
  EXPECT_EQ(error_of(R"({"layer": "reshape", "shape": [8, 0]})"),
            "model.json: layers[1] (reshape): shape: expected a list of 1 to 7 integers from 1 to "
            "2147483647, found "
            "[8,0]");
  EXPECT_EQ(
      message_of<ShapeError>([] {
        build(ModelDescription::parse(R"({"layers": [{"layer": "lstm", "units": 5}]})", "model.json"));
      }),
      "model.json for inputs [8,6,1]: layers[0] (lstm): expected sequences [T,features] as input, found "
      "[8,6,1]; a layer reshape makes them");
  EXPECT_EQ(
      message_of<ShapeError>([] {
        build(rows_and(R"({"layer": "lstm", "units": 5})"), {8, 8, 1});
      }),
      "model.json for inputs [8,8,1]: layers[0] (reshape): [reshape] expected examples of 48 elements, for "
      "[8,6], found a batch [2,8,8,1]");
}

}  // namespace
}  // namespace keel
