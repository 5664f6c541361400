// The option "norm" of named models: any of the family wherever a model has a norm.
#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/model_description.h"
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

TEST(NormOption, EveryWordInEveryModel) {
  const Shape image = {28, 28, 1};
  const Variable x(testing::random_tensor({4, 28, 28, 1}, 1, DType::float32));
  for (const std::string& name : ModelDescription::named_models()) {
    const auto with = [&](const std::string& word) {
      return ModelDescription::named(name, {.norm = word}).build(image, 10, Rng(1, Stream::initialization));
    };
    const std::string batch = kinds(*with("batch"));
    for (const std::string& word : ModelDescription::norms()) {
      SCOPED_TRACE(name + " " + word);
      if (word == "instance" && (name == "mlp" || name == "lenet5")) {
        const std::string message = message_of<ValueError>([&] { with(word); });
        EXPECT_NE(message.find("(instance_norm): [instance_norm] expected"), std::string::npos) << message;
        continue;
      }
      const auto model = with(word);
      nn::Context training(nn::Mode::training);
      EXPECT_EQ((*model)(x, training).shape(), (Shape{4, 10}));
      if (word == "weight") {
        EXPECT_EQ(count(kinds(*model), "weight_norm"), count(batch, "batch_norm"));
        continue;
      }
      const std::string layer = word == "none" ? "" : kind_of_norm(*model) + " ";
      EXPECT_EQ(kinds(*model), replaced(batch, "batch_norm ", layer));
    }
  }
}

TEST(NormOption, WeightNormIsAroundEachLayerThatHasANorm) {
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
  EXPECT_EQ(layers("cnn"), block + "max_pool2d " + block + "max_pool2d flatten dense relu dense ");
  EXPECT_EQ(
      message_of<FileError>([] { mlp_with(R"({"layer": "weight_norm", "body": []})"); }),
      "model.json: norm (\"weight_norm\"): body: expected none, as each of the model's layers takes that "
      "place");
}

TEST(NormOption, SaysWhatIsWrong) {
  const auto message = [](const std::string& norm, const std::string& more = "") {
    return message_of<FileError>([&] { mlp_with(norm, more); });
  };
  EXPECT_TRUE(
      message(R"("bacth")")
          .starts_with(
              "model.json: norm: there is no norm \"bacth\": did you mean 'batch'?; there are none, batch, "))
      << message(R"("bacth")");
  EXPECT_TRUE(message("3").starts_with("model.json: norm: expected none, batch, ")) << message("3");
  EXPECT_TRUE(message("3").ends_with(", or an object {\"layer\": ...}, found 3")) << message("3");
  EXPECT_EQ(message(R"({"layer": "batch_norm", "epsilon": -1})"),
            "model.json: norm (batch_norm): epsilon: expected a number of at least 0, found -1");
  EXPECT_EQ(message(R"({"epsilon": -1})"),
            "model.json: norm (batch_norm): epsilon: expected a number of at least 0, found -1");
  EXPECT_TRUE(
      message(R"({"layer": "bathc_norm"})")
          .starts_with("model.json: norm: there is no layer \"bathc_norm\": did you mean 'batch_norm'?"));
  EXPECT_EQ(message(R"("none")", R"(, "batch_norm": true)"),
            "model.json: norm: expected \"batch\" beside \"batch_norm\": true, found \"none\"");
  EXPECT_EQ(
      message(R"({"layer": "batch_norm"})", R"(, "batch_norm": false)"),
      "model.json: norm: expected \"none\" beside \"batch_norm\": false, found {\"layer\":\"batch_norm\"}");
  EXPECT_EQ(message_of<ValueError>([] { ModelDescription::named("mlp", {.norm = "{"}); }).substr(0, 17),
            "model mlp: norm: ");
}

}  // namespace
}  // namespace keel
