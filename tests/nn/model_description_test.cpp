#include "keel/nn/model_description.h"

#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/ops/arithmetic.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::ModelDescription;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Rng stream() { return Rng(7, Stream::initialization); }

ModelDescription parse(const std::string& text) { return ModelDescription::parse(text, "model.json"); }

std::string layers(const std::string& list) { return R"({"layers": [)" + list + "]}"; }

// The message of what is wrong with a text, or with what it builds for images of 8x8 pixels and 10 classes.
std::string parse_error(const std::string& text) {
  return message_of<FileError>([&] { parse(text); });
}
template <class E>
std::string build_error(const std::string& list, const nn::ModelLimits& limits = {}) {
  const ModelDescription description = parse(layers(list));
  return message_of<E>([&] { description.build({8, 8, 1}, 10, stream(), limits); });
}

constexpr const char* kEverything =
    R"({"input": [8, 8, 2], "classes": 3, "init": "he_normal", "layers": [
      {"layer": "conv2d", "filters": 4, "kernel": [3, 1], "padding": [1, 0], "stride": 1, "groups": 2,
       "bias": false, "algorithm": "direct"},
      {"layer": "batch_norm", "momentum": null, "scale": false},
      {"layer": "relu"}, {"layer": "max_pool2d"}, {"layer": "avg_pool2d", "kernel": 2, "stride": 1},
      {"layer": "residual", "body": [
          {"layer": "residual", "body": [], "shortcut": [{"layer": "sigmoid"}]},
          {"layer": "conv2d", "filters": 4, "kernel": 3, "padding": "same", "init": "ones"}]},
      {"layer": "flatten"}, {"layer": "dropout", "rate": 0.25},
      {"layer": "dense", "units": 5, "init": "normal"}, {"layer": "tanh"},
      {"layer": "dense", "units": "classes", "bias": false}]})";

TEST(ModelDescription, BuildsWhatItSays) {
  const auto model = parse(kEverything).build(stream());
  std::vector<std::string> found;
  for (const auto& [name, variable] : model->named_parameters()) {
    found.push_back(name + variable.shape().to_string());
  }
  EXPECT_EQ(found,
            (std::vector<std::string>{"0.weight[3,1,1,4]", "1.bias[4]", "5.body.1.weight[3,3,4,4]",
                                      "5.body.1.bias[4]", "8.weight[36,5]", "8.bias[5]", "10.weight[5,3]"}));
  nn::Context context(nn::Mode::training);
  const Variable x(random_tensor({6, 8, 8, 2}, 1, DType::float32));
  EXPECT_EQ((*model)(x, context).shape(), (Shape{6, 3}));
  EXPECT_EQ(model->named_parameters()[2].variable.value().at({0, 0, 0, 0}), 1);
  EXPECT_EQ(model->named_parameters()[3].variable.value().at({0}), 0);
}

// Equal descriptions and streams: equal outputs, in training too, so options that are no parameters agree.
void expect_same_models(const ModelDescription& a, const ModelDescription& b) {
  const auto model = a.build(stream()), other = b.build(stream());
  ASSERT_EQ(model->named_parameters().size(), other->named_parameters().size());
  for (std::size_t i = 0; i < model->named_parameters().size(); ++i) {
    EXPECT_EQ(model->named_parameters()[i].name, other->named_parameters()[i].name);
  }
  std::vector<Index> extents = {4};
  extents.insert(extents.end(), a.input()->begin(), a.input()->end());
  const Variable x(random_tensor(Shape(extents), 1, DType::float32));
  for (const nn::Mode mode : {nn::Mode::training, nn::Mode::evaluation}) {
    nn::Context context(mode), same(mode);
    EXPECT_TRUE(same_bits((*model)(x, context).value(), (*other)(x, same).value()));
  }
}

TEST(ModelDescription, ItsTextBuildsTheSameModel) {
  std::vector<ModelDescription> all = {parse(kEverything)};
  for (const std::string& name : ModelDescription::named_models()) {
    all.push_back(
        ModelDescription::named(name, {.batch_norm = true, .dropout = 0.25}).for_data({28, 28, 1}, 4));
  }
  for (const ModelDescription& description : all) {
    const ModelDescription again = parse(description.to_json()),
                           layers = parse(description.to_json_with_layers());
    EXPECT_EQ(again.to_json(), description.to_json());
    EXPECT_EQ(again.model(), description.model());
    EXPECT_EQ(layers.model(), "");
    EXPECT_EQ(layers.to_json(), description.to_json_with_layers());
    expect_same_models(description, again);
    expect_same_models(description, layers);
  }
}

TEST(ModelDescription, ItsTextSpellsOutEveryOption) {
  EXPECT_EQ(parse(layers(R"({"layer": "dense", "units": 3})")).to_json(),
            R"({"init":"pytorch_default","layers":[{"layer":"dense","units":3,"bias":true}]})");
  EXPECT_EQ(parse(R"({"model": "mlp"})").for_data({2, 2, 1}, 3).to_json(),
            R"({"model":"mlp","init":"pytorch_default","convolution":"fastest","norm":"none",)"
            R"("norm_position":"after","dropout":0.0,"input":[2,2,1],"classes":3})");
  EXPECT_EQ(parse(R"({"model": "mlp", "norm": "batch"})").to_json(),
            R"({"model":"mlp","init":"pytorch_default","convolution":"fastest",)"
            R"("norm":{"layer":"batch_norm","epsilon":1e-05,"momentum":0.1,"scale":true,"center":true,)"
            R"("track_running_stats":true,"initial_gamma":1.0,"initial_beta":0.0,"initial_running_mean":0.0,)"
            R"("initial_running_var":1.0,"axis":-1},"norm_position":"after","dropout":0.0})");
}

TEST(ModelDescription, AgreesWithTheDataOrSaysSo) {
  const std::string text = R"({"model": "mlp", "input": [8, 8, 1], "classes": 10})";
  EXPECT_EQ(parse(text).for_data({8, 8, 1}, 10).to_json(), parse(text).to_json());
  EXPECT_EQ(message_of<ValueError>([&] {
              parse(text).for_data({8, 8, 3}, 10);
            }),
            "model.json: input: expected the shape [8,8,3] of the data's examples, found [8,8,1]");
  EXPECT_EQ(message_of<ValueError>([&] {
              parse(text).build({8, 8, 1}, 9, stream());
            }),
            "model.json: classes: expected the 9 classes of the data, found 10");
  EXPECT_EQ(message_of<ValueError>([&] { parse(R"({"model": "mlp"})").build(stream()); }),
            "model.json: expected \"input\" and \"classes\", or a data set that tells them");
}

TEST(ModelDescription, TakesLayersThatAProgramRegisters) {
  struct Scale final : nn::Layer<Scale> {
    explicit Scale(double by) : factor(by) {}
    double factor;
    Variable forward(const Variable& x, nn::Context&) override { return x * factor; }
  };
  nn::register_layer("test_scale", [](nn::LayerOptions& options) -> nn::LayerMaker {
    const double by = options.real("by", 0, 9);
    return [=](nn::LayerSite&) { return std::make_shared<Scale>(by); };
  });
  const auto model =
      parse(layers(R"({"layer": "flatten"}, {"layer": "test_scale", "by": 2.5})")).build({3, 1}, 3, stream());
  nn::Context context(nn::Mode::evaluation);
  EXPECT_EQ((*model)(Variable(Tensor::ones({1, 3, 1})), context).value().at({0, 2}), 2.5);
  EXPECT_EQ(
      message_of<ValueError>([] { nn::register_layer("dense", [](auto&) { return nn::LayerMaker(); }); }),
      "[register_layer] there is a layer 'dense' already");
}

TEST(ModelDescription, SaysWhatIsWrongWithTheText) {
  EXPECT_EQ(
      parse_error("{"),
      "model.json: expected JSON: parse error at line 1, column 2: syntax error while parsing object key "
      "- unexpected end of input; expected string literal");
  EXPECT_EQ(parse_error(""),
            "model.json: expected JSON: parse error at line 1, column 1: syntax error while parsing value - "
            "unexpected end of input; expected '[', '{', or a literal");
  EXPECT_EQ(parse_error("{\"layers\": \"\xff\n\"}"),
            "model.json: expected JSON: parse error at line 1, column 13: syntax error while parsing value - "
            "invalid string: ill-formed UTF-8 byte; last read: '\"?'");
  EXPECT_EQ(parse_error("[1]"), "model.json: expected an object with \"layers\" or \"model\", found [1]");
  EXPECT_EQ(parse_error("{}"),
            "model.json: expected one of the keys \"layers\" and \"model\", found neither");
  EXPECT_EQ(parse_error(R"({"layers": [], "model": "mlp"})"),
            "model.json: expected one of the keys \"layers\" and \"model\", found both");
  EXPECT_EQ(parse_error(R"({"layers": [], "layers": []})"),
            "model.json: the key \"layers\" is given twice in one object");
  EXPECT_EQ(parse_error(R"({"layers": {}})"), "model.json: layers: expected a list of layers, found {}");
  EXPECT_EQ(parse_error(R"({"layers": [], "imput": [1]})"),
            "model.json: unknown key \"imput\": did you mean 'input'?");
  EXPECT_EQ(parse_error(R"({"layers": [], "input": [28, 0]})"),
            "model.json: input: expected the shape of one example, such as [28,28,1], found [28,0]");
  EXPECT_EQ(parse_error(R"({"layers": [], "classes": -1})"),
            "model.json: classes: expected an integer from 1 to 2147483647, found -1");
  EXPECT_EQ(parse_error(R"({"layers": [], "init": "he"})").substr(0, 42),
            "model.json: init: expected \"glorot_normal\"");
  EXPECT_EQ(parse_error(R"({"model": "MLP"})"),
            "model.json: there is no model \"MLP\"; there are cnn, lenet5, mlp, resnet20, vgg-small: did you "
            "mean 'mlp'?");
  EXPECT_EQ(parse_error(R"({"model": "mlp", "batchnorm": true})"),
            "model.json: unknown key \"batchnorm\": did you mean 'batch_norm'?");
}

TEST(ModelDescription, SaysWhatIsWrongWithALayer) {
  const auto error = [](const std::string& list) { return parse_error(layers(list)); };
  EXPECT_EQ(error("7"), "model.json: layers[0]: expected an object {\"layer\": ...}, found 7");
  EXPECT_EQ(error("{}"), "model.json: layers[0]: layer: expected the name of a layer, found nothing");
  EXPECT_EQ(error(R"({"layer": "relu"}, {"layer": "conv2"})").substr(0, 52),
            "model.json: layers[1]: there is no layer \"conv2\"; th");
  EXPECT_TRUE(error(R"({"layer": "conv2"})").ends_with(": did you mean 'conv2d'?"));
  EXPECT_EQ(error(R"({"layer": "dense"})"),
            "model.json: layers[0] (dense): units: expected \"classes\" or an integer from 1 to 2147483647, "
            "found nothing");
  EXPECT_EQ(error(R"({"layer": "dense", "units": 1.5})"),
            "model.json: layers[0] (dense): units: expected \"classes\" or an integer from 1 to 2147483647, "
            "found 1.5");
  EXPECT_EQ(error(R"({"layer": "dense", "units": 18446744073709551615})"),
            "model.json: layers[0] (dense): units: expected \"classes\" or an integer from 1 to 2147483647, "
            "found 18446744073709551615");
  EXPECT_EQ(error(R"({"layer": "dense", "unit": 3, "units": 3})"),
            "model.json: layers[0] (dense): unknown key \"unit\": did you mean 'units'?");
  EXPECT_EQ(error(R"({"layer": "dense", "units": 3, "bias": 0})"),
            "model.json: layers[0] (dense): bias: expected true or false, found 0");
  EXPECT_EQ(error(R"({"layer": "conv2d", "filters": 3, "kernel": [3, 3, 3]})"),
            "model.json: layers[0] (conv2d): kernel: expected an integer from 1 to 2147483647, or [down, "
            "across], found [3,3,3]");
  EXPECT_EQ(
      error(R"({"layer": "conv2d", "filters": 3, "kernel": 3, "padding": "sane"})"),
      "model.json: layers[0] (conv2d): padding: expected \"same\" or an integer from 0 to 2147483647, or "
      "[down, across], found \"sane\"");
  EXPECT_EQ(
      error(R"({"layer": "conv2d", "filters": 3, "kernel": 2, "padding": "same"})"),
      "model.json: layers[0] (conv2d): [same_padding] kernel 2x2 with dilation 1x1 needs unequal padding: "
      "expects an odd kernel");
  EXPECT_EQ(error(R"({"layer": "dropout", "rate": 1})"),
            "model.json: layers[0] (dropout): [dropout] expected a rate in [0,1), found 1");
  EXPECT_EQ(error(R"({"layer": "residual"})"),
            "model.json: layers[0] (residual): body: expected a list of layers, found nothing");
  EXPECT_EQ(error(R"({"layer": "residual", "body": [{"layer": "relu"}, {"layer": "dense", "units": ""}]})"),
            "model.json: layers[0].body[1] (dense): units: expected \"classes\" or an integer from 1 to "
            "2147483647, found \"\"");
}

TEST(ModelDescription, SaysWhichLayerDoesNotFit) {
  EXPECT_EQ(
      build_error<ShapeError>(R"({"layer": "flatten"}, {"layer": "max_pool2d"})"),
      "model.json for inputs [8,8,1]: layers[1] (max_pool2d): [max_pool2d] expects an input [N,H,W,C] with "
      "pixels, found [2,64]");
  EXPECT_EQ(build_error<ValueError>(R"({"layer": "conv2d", "filters": 4, "kernel": 3, "groups": 2})"),
            "model.json for inputs [8,8,1]: layers[0] (conv2d): [conv2d] expected groups that divide 1 "
            "inputs and 4 outputs, "
            "found 2");
  EXPECT_EQ(build_error<ShapeError>(
                R"({"layer": "residual", "body": [{"layer": "flatten"}, {"layer": "dense", "units": 3}]})"),
            "model.json for inputs [8,8,1]: layers[0] (residual): [residual] expected body and shortcut of "
            "one shape, found "
            "[2,3] and [2,8,8,1] for input [2,8,8,1]");
  EXPECT_EQ(build_error<ShapeError>(
                R"({"layer": "residual", "body": [{"layer": "flatten"}, {"layer": "avg_pool2d"}]})"),
            "model.json for inputs [8,8,1]: layers[0].body[1] (avg_pool2d): [avg_pool2d] expects an input "
            "[N,H,W,C] with pixels, found [2,64]");
  EXPECT_EQ(build_error<ShapeError>(R"({"layer": "flatten"}, {"layer": "dense", "units": 9})"),
            "model.json for inputs [8,8,1]: expected 10 logits from the last layer, one a class, found an "
            "output [9]");
}

TEST(ModelDescription, BoundsWhatAFewBytesAskFor) {
  EXPECT_EQ(build_error<ValueError>(R"({"layer": "flatten"}, {"layer": "dense", "units": 2147483647})"),
            "model.json for inputs [8,8,1]: layers[1] (dense): expected a model of at most 2147483648 "
            "parameters, found "
            "137438953408 up to here");
  EXPECT_EQ(
      build_error<ValueError>(R"({"layer": "conv2d", "filters": 1, "kernel": 1, "padding": 2147483647})"),
      "model.json for inputs [8,8,1]: layers[0] (conv2d): expected an output of at most 16777216 elements "
      "for an example, "
      "found 18446744125249159168");
  EXPECT_EQ(build_error<ValueError>(R"({"layer": "flatten"}, {"layer": "dense", "units": 2},
                                       {"layer": "dense", "units": 10})",
                                    {.parameters = 147}),
            "model.json for inputs [8,8,1]: layers[2] (dense): expected a model of at most 147 parameters, "
            "found 148 up to here");
  EXPECT_EQ(message_of<ValueError>([] {
              parse(R"({"model": "mlp", "input": [2147483647, 2147483647]})")
                  .for_data({2147483647, 2147483647}, 2)
                  .build(stream());
            }),
            "model.json for inputs [2147483647,2147483647]: expected an input of at most 16777216 elements");
  // The sizes of outputs are found by running the layers, so small ones of which there are many count, too.
  const std::string three = R"({"layer": "tanh"}, {"layer": "tanh"}, {"layer": "tanh"})";
  EXPECT_EQ(build_error<ValueError>(three, {.total_outputs = 3 * 64 - 1}),
            "model.json for inputs [8,8,1]: layers[2] (tanh): expected outputs of all layers of at most 191 "
            "elements for an example, found 192 up to here");
  const std::string residual = R"({"layer": "residual", "body": [{"layer": "tanh"}]})";
  EXPECT_EQ(build_error<ValueError>(residual, {.total_outputs = 2 * 64 - 1}).substr(0, 51),
            "model.json for inputs [8,8,1]: layers[0] (residual)");
  EXPECT_EQ(
      build_error<ValueError>(R"({"layer": "max_pool2d", "stride": 1, "padding": 1})", {.outputs = 80}),
      "model.json for inputs [8,8,1]: layers[0] (max_pool2d): expected an output of at most 80 elements "
      "for an example, found [9,9,1]");
  const auto nested = [](int depth) {
    std::string text = R"({"layer": "relu"})";
    for (int i = 0; i < depth; ++i) text = R"({"layer": "residual", "body": [)" + text + "]}";
    return layers(text);
  };
  EXPECT_EQ(parse_error(nested(31)), "model.json: expected JSON nested at most 64 deep");
  EXPECT_EQ(parse_error(nested(30)), "no error");
  EXPECT_EQ(parse_error(std::string(100000, '[')), "model.json: expected JSON nested at most 64 deep");
  std::string many = R"({"layer": "relu"})";
  for (int i = 0; i < 4095; ++i) many += R"(,{"layer": "relu"})";
  EXPECT_EQ(parse_error(layers(many)), "no error");
  EXPECT_EQ(parse_error(layers(many + R"(,{"layer": "relu"})")),
            "model.json: layers[4096]: the model has too many layers");
  EXPECT_EQ(parse_error(std::string((1 << 20) + 1, ' ')),
            "model.json: expected at most 1048576 bytes of JSON, found 1048577");
  std::string keys = R"({"k": 0)";
  for (int i = 0; i < 300; ++i) keys += fmt::format(R"(,"{}": 0)", i);
  EXPECT_EQ(parse_error(keys + "}"), "model.json: expected at most 256 keys in an object");
}

}  // namespace
}  // namespace keel
