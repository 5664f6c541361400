// The option "norm" of named models: any of the family wherever a model has a norm.
#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/activation.h"
#include "keel/nn/model_description.h"
#include "keel/nn/norm_layer_name.h"
#include "keel/nn/state_dict.h"
#include "keel/ops/loss.h"
#include "keel/optim/sgd.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::ModelDescription;
using testing::message_of;

ModelDescription parse(const std::string& text) { return ModelDescription::parse(text, "model.json"); }

// The kinds of all layers below, in order.
std::string kinds(nn::Module& model) {
  std::string text;
  model.visit([&](const std::string& path, nn::Module& module) {
    if (!path.empty()) text += module.kind() + " ";
  });
  return text;
}

// The kind of the norm in a model.
std::string kind_of_norm(nn::Module& model) {
  std::string found;
  model.visit([&](const std::string&, nn::Module& module) {
    const std::string kind = module.kind();
    if (kind.find("norm") != std::string::npos || kind == "batch_renorm") found = kind;
  });
  return found;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t times = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string mlp_with(const std::string& norm, const std::string& more = "") {
  return parse(R"({"model": "mlp", "norm": )" + norm + more + "}").to_json();
}

TEST(NormOption, EachWordStandsForALayer) {
  EXPECT_EQ(nn::norm_layer_name("renorm"), "batch_renorm");
  for (const std::string& word : ModelDescription::norms()) {
    const std::optional<std::string> name = nn::norm_layer_name(word);
    EXPECT_EQ(name.has_value(), word != "none") << word;
    if (name) {
      EXPECT_TRUE(ModelDescription::is_norm(*name)) << word;
    }
  }
  EXPECT_FALSE(nn::norm_layer_name("batch_norm").has_value());
}

// As checkpoints of earlier versions say it.
TEST(NormOption, TheOlderSpellingMeansTheSame) {
  const std::string on = parse(R"({"model": "mlp", "norm": "batch"})").to_json();
  const std::string off = parse(R"({"model": "mlp", "norm": "none"})").to_json();
  EXPECT_NE(on, off);
  EXPECT_EQ(parse(R"({"model": "mlp"})").to_json(), off);
  EXPECT_EQ(parse(R"({"model": "mlp", "batch_norm": true})").to_json(), on);
  EXPECT_EQ(parse(R"({"model": "mlp", "batch_norm": false})").to_json(), off);
  EXPECT_EQ(parse(R"({"model": "mlp", "batch_norm": true, "norm": "batch"})").to_json(), on);
  EXPECT_EQ(parse(R"({"model": "mlp", "batch_norm": false, "norm": "none"})").to_json(), off);

  const std::string options = R"({"epsilon": 0.5, "momentum": null})";
  const std::string older = mlp_with(options, R"(, "batch_norm": true)");
  EXPECT_EQ(older, mlp_with(R"({"layer": "batch_norm", "epsilon": 0.5, "momentum": null})"));
  EXPECT_NE(older, on);
  EXPECT_EQ(mlp_with(options), off);  // of a BatchNorm that it does not have
  EXPECT_EQ(
      parse(R"({"model": "resnet20", "norm": )" + options + "}").to_json(),
      parse(R"({"model": "resnet20", "norm": {"layer": "batch_norm", "epsilon": 0.5, "momentum": null}})")
          .to_json());
}

TEST(NormOption, FromCodeAsInText) {
  const auto named = [](const nn::NamedModelOptions& options) {
    return ModelDescription::named("mlp", options).to_json();
  };
  const nn::BatchNormOptions wide = {.epsilon = 0.5};
  EXPECT_EQ(named({.norm = "batch", .batch_norm_options = wide}),
            mlp_with(R"({"layer": "batch_norm", "epsilon": 0.5})"));
  EXPECT_EQ(named({.norm = R"({"layer": "batch_norm", "epsilon": 0.5})"}),
            mlp_with(R"({"layer": "batch_norm", "epsilon": 0.5})"));
  EXPECT_EQ(named({.norm = "none"}), mlp_with(R"("none")"));
  EXPECT_EQ(ModelDescription::of("mlp", {.norm = "batch"}).to_json(),
            ModelDescription::of("mlp", {.batch_norm = true}).to_json());
}

// Every model has its norm where BatchNorm would be, and nothing else changes.
TEST(NormOption, ALayerOfOnesOwnStandsWhereBatchNormDoes) {
  struct Halved final : nn::Layer<Halved> {
    Variable forward(const Variable& x, nn::Context&) override { return x; }
    std::string kind() const override { return "halved"; }
  };
  nn::register_layer("halved", [](nn::LayerOptions& options) {
    options.integer("by", 1, 2);
    return [](nn::LayerSite&) { return std::make_shared<Halved>(); };
  });
  for (const std::string& name : ModelDescription::named_models()) {
    for (const char* position : {"before", "after"}) {
      const auto layers = [&](const std::string& norm) {
        const std::string text =
            fmt::format(R"({{"model": "{}", "norm": {}, "norm_position": "{}"}})", name, norm, position);
        return kinds(*parse(text).build({28, 28, 1}, 10, Rng(1, Stream::initialization)));
      };
      EXPECT_EQ(layers(R"({"layer": "halved"})"), replaced(layers(R"("batch")"), "batch_norm", "halved"));
      EXPECT_EQ(layers(R"("none")"), replaced(layers(R"("batch")"), "batch_norm ", ""));
    }
  }
  EXPECT_EQ(mlp_with(R"({"layer": "halved"})"), mlp_with(R"({"layer": "halved", "by": 2})"));
}

// A list of its own: a norm that gets lost is missed.
const std::vector<std::string> kWords = {"none", "batch",  "layer",  "group", "instance",
                                         "rms",  "renorm", "weight", "bln",   "full"};

TEST(NormOption, HasTheseWords) { EXPECT_EQ(ModelDescription::norms(), kWords); }

Tensor evaluated(nn::Module& model, const Variable& x) {
  nn::Context context(nn::Mode::evaluation);
  return model(x, context).value();
}

// Trains a step, and evaluates the same after a round trip of its state through another model.
void expect_trains(nn::Module& model, nn::Module& other, const Variable& x) {
  nn::Context training(nn::Mode::training);
  const Variable logits = model(x, training);
  ASSERT_EQ(logits.shape(), (Shape{4, 10}));
  softmax_cross_entropy(logits, Tensor::from<std::int32_t>({4}, {3, 1, 4, 1})).backward();
  std::vector<Tensor> before;
  for (const nn::NamedVariable& each : model.named_parameters()) {
    EXPECT_TRUE(each.variable.grad().defined()) << each.name;
    before.push_back(each.variable.value().clone());
  }
  optim::Sgd(model.parameters()).step(0.1);
  bool moved = false;
  const auto after = model.parameters();
  for (std::size_t i = 0; i < before.size(); ++i)
    moved = moved || !testing::same_bits(after[i].value(), before[i]);
  EXPECT_TRUE(moved);

  const Tensor y = evaluated(model, x);
  for (Index i = 0; i < y.numel(); ++i) ASSERT_TRUE(std::isfinite(y.data<float>()[i]));
  nn::load_state_dict(other, model.state_dict());
  EXPECT_TRUE(testing::same_bits(evaluated(other, x), y));
}

TEST(NormOption, EveryWordInEveryModel) {
  const Shape image = {28, 28, 1};
  const Variable x(testing::random_tensor({4, 28, 28, 1}, 1, DType::float32));
  for (const std::string& name : ModelDescription::named_models()) {
    const auto with = [&](const std::string& word, std::uint64_t seed = 1) {
      return ModelDescription::named(name, {.norm = word})
          .build(image, 10, Rng(seed, Stream::initialization));
    };
    const std::string batch = kinds(*with("batch"));
    for (const std::string& word : kWords) {
      SCOPED_TRACE(name + " " + word);
      if (word == "instance" && (name == "mlp" || name == "lenet5")) {
        const std::string message = message_of<ValueError>([&] { with(word); });
        EXPECT_NE(message.find("(instance_norm): [instance_norm] expected"), std::string::npos) << message;
        continue;
      }
      const auto model = with(word);
      expect_trains(*model, *with(word, 2), x);
      if (word == "weight") {
        // One for each activation and each shortcut; the logits' layer is left as it is.
        const std::string all = kinds(*model);
        EXPECT_EQ(count(all, "weight_norm"),
                  count(all, "relu") + count(all, "tanh") + (name == "resnet20" ? 2 : 0));
        EXPECT_EQ(count(all, "dense") + count(all, "conv2d"), 1U);
        continue;
      }
      const std::string layer = word == "none" ? "" : kind_of_norm(*model) + " ";
      EXPECT_EQ(kinds(*model), replaced(batch, "batch_norm ", layer));
    }
  }
}

// resnet20's convolutions have a bias unless the norm behind them has a shift.
TEST(NormOption, SomethingShiftsBehindEachConvolution) {
  const auto biased = [](const std::string& norm) {
    const std::string text = R"({"model": "resnet20", "norm": )" + norm + "}";
    const std::string layers = parse(text).to_json_with_layers();
    const std::size_t with = count(layers, R"("bias":true)"), without = count(layers, R"("bias":false)");
    EXPECT_TRUE(with == 1 || without == 0) << layers;  // that of the logits' layer has one
    return without == 0;
  };
  for (const char* word : {"batch", "layer", "group", "instance", "renorm", "bln", "full"}) {
    EXPECT_FALSE(biased(fmt::format("\"{}\"", word))) << word;
  }
  for (const char* word : {"none", "rms", "weight"}) EXPECT_TRUE(biased(fmt::format("\"{}\"", word))) << word;
  EXPECT_TRUE(biased(R"({"layer": "instance_norm"})"));
  EXPECT_FALSE(biased(R"({"layer": "instance_norm", "affine": true})"));
  for (const char* layer : {"layer_norm", "group_norm", "batch_renorm"}) {
    EXPECT_TRUE(biased(fmt::format(R"({{"layer": "{}", "center": false}})", layer))) << layer;
    EXPECT_FALSE(biased(fmt::format(R"({{"layer": "{}", "scale": false}})", layer))) << layer;
  }
}

TEST(NormOption, InstanceHasScaleAndShiftAsTheOthersHave) {
  const auto resnet = [](const std::string& norm) {
    return parse(R"({"model": "resnet20", "norm": )" + norm + "}").to_json();
  };
  EXPECT_EQ(resnet(R"("instance")"), resnet(R"({"layer": "instance_norm", "affine": true})"));
  EXPECT_NE(resnet(R"("instance")"), resnet(R"({"layer": "instance_norm"})"));
}

TEST(NormOption, WeightNormIsAroundEachLayerButTheLast) {
  const auto layers = [](const std::string& model) {
    return kinds(*ModelDescription::named(model, {.norm = "weight"})
                      .build({28, 28, 1}, 10, Rng(1, Stream::initialization)));
  };
  EXPECT_EQ(layers("mlp"), "flatten weight_norm relu dense ");
  EXPECT_EQ(
      layers("lenet5"),
      "weight_norm tanh avg_pool2d weight_norm tanh avg_pool2d flatten weight_norm tanh weight_norm tanh "
      "dense ");
  const std::string block = "weight_norm relu weight_norm relu ";
  EXPECT_EQ(layers("cnn"), block + "max_pool2d " + block + "max_pool2d flatten weight_norm relu dense ");
  EXPECT_EQ(
      message_of<FileError>([] { mlp_with(R"({"layer": "weight_norm", "body": []})"); }),
      "model.json: norm (\"weight_norm\"): body: expected none, as each of the model's layers takes that "
      "place");
}

TEST(NormOption, SaysWhatIsWrong) {
  const auto message = [](const std::string& norm, const std::string& more = "") {
    return message_of<FileError>([&] { mlp_with(norm, more); });
  };
  EXPECT_TRUE(message(R"("bacth")")
                  .starts_with("model.json: norm: there is no norm \"bacth\"; there are none, batch, "
                               "layer, group, instance, rms, renorm, weight, bln, full, and "))
      << message(R"("bacth")");
  EXPECT_TRUE(message(R"("bacth")").ends_with(", and objects {\"layer\": ...}: did you mean 'batch'?"));
  EXPECT_TRUE(message("3").starts_with(
      "model.json: norm: expected none, batch, layer, group, instance, rms, renorm, weight, bln, full, or "))
      << message("3");
  EXPECT_TRUE(message("3").ends_with(", or an object {\"layer\": ...}, found 3")) << message("3");
  EXPECT_EQ(message(R"({"layer": "batch_norm", "epsilon": -1})"),
            "model.json: norm (batch_norm): epsilon: expected a number above 0, found -1");
  EXPECT_EQ(message(R"({"epsilon": -1})"),
            "model.json: norm (batch_norm): epsilon: expected a number above 0, found -1");
  const std::string misspelt = message(R"({"layer": "bathc_norm"})");
  EXPECT_TRUE(misspelt.starts_with("model.json: norm: there is no layer \"bathc_norm\"; there are "));
  EXPECT_TRUE(misspelt.ends_with(": did you mean 'batch_norm'?"));
  for (const char* layer : {"dense", "relu", "residual", "lstm"}) {
    EXPECT_EQ(
        message(fmt::format(R"({{"layer": "{}", "units": 3}})", layer)),
        fmt::format("model.json: norm: expected a layer that is a norm, found \"{}\"; there are batch_norm, "
                    "layer_norm, group_norm, instance_norm, rms_norm, batch_renorm, weight_norm, "
                    "batch_layer_norm, full_norm, mean_only_batch_norm, noisy_batch_norm",
                    layer));
  }
  EXPECT_EQ(message(R"({"layer": "mean_only_batch_norm"})"), "no error");
  EXPECT_EQ(message(R"({"layer": "noisy_batch_norm"})"), "no error");
  EXPECT_EQ(message(R"("none")", R"(, "batch_norm": true)"),
            "model.json: norm: expected \"batch\" beside \"batch_norm\": true, found \"none\"");
  EXPECT_EQ(
      message(R"({"layer": "batch_norm"})", R"(, "batch_norm": false)"),
      "model.json: norm: expected \"none\" beside \"batch_norm\": false, found {\"layer\":\"batch_norm\"}");
  EXPECT_EQ(message_of<ValueError>([] { ModelDescription::named("mlp", {.norm = "{"}); }).substr(0, 17),
            "model mlp: norm: ");
}

TEST(NormOption, EpsilonIsAboveZeroInAllNorms) {
  for (const char* norm : {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
                           "batch_renorm", "batch_layer_norm", "full_norm", "noisy_batch_norm"}) {
    for (const char* epsilon : {"0", "-1", "\"x\""}) {
      const std::string text =
          fmt::format(R"({{"layers": [{{"layer": "{}", "epsilon": {}}}]}})", norm, epsilon);
      EXPECT_TRUE(
          message_of<FileError>([&] { parse(text); })
              .ends_with(fmt::format("layers[0] ({}): epsilon: expected {}a number above 0, found {}", norm,
                                     norm == std::string("rms_norm") ? "null or " : "", epsilon)))
          << text << message_of<FileError>([&] { parse(text); });
    }
  }
  EXPECT_EQ(message_of<FileError>([] {
              parse(R"({"layers": [{"layer": "lstm", "units": 2, "norm": "batch", "epsilon": 0}]})");
            }),
            "model.json: layers[0] (lstm): epsilon: expected a number above 0, found 0");
}

}  // namespace
}  // namespace keel
