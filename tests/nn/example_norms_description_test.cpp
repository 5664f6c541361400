// The layers that normalise each example by itself, in model descriptions.
#include <gtest/gtest.h>

#include "keel/nn/model_description.h"
#include "keel/nn/pytorch_state.h"
#include "support/errors.h"

namespace keel {
namespace {

using nn::ModelDescription;
using testing::message_of;

ModelDescription parse(const std::string& layers) {
  return ModelDescription::parse(R"({"layers": [)" + layers + "]}", "model.json");
}
std::shared_ptr<nn::Sequential> build(const std::string& layers) {
  const std::string rest = R"(, {"layer": "flatten"}, {"layer": "dense", "units": "classes"})";
  return parse(layers + rest).build({4, 6, 32}, 10, Rng(1, Stream::initialization));
}
std::string canonical(const std::string& layer) {
  const std::string text = parse(layer).to_json(), begin = R"({"init":"pytorch_default","layers":[)";
  EXPECT_EQ(text.substr(0, begin.size()), begin);
  return text.substr(begin.size(), text.size() - begin.size() - 2);
}

TEST(ExampleNormDescriptions, SpellOutEveryOption) {
  EXPECT_EQ(canonical(R"({"layer": "layer_norm"})"),
            R"({"layer":"layer_norm","axes":1,"epsilon":1e-05,"scale":true,"center":true})");
  EXPECT_EQ(canonical(R"({"layer": "group_norm"})"),
            R"({"layer":"group_norm","groups":null,"epsilon":1e-05,"scale":true,"center":true})");
  EXPECT_EQ(canonical(R"({"layer": "group_norm", "groups": 4, "center": false})"),
            R"({"layer":"group_norm","groups":4,"epsilon":1e-05,"scale":true,"center":false})");
  EXPECT_EQ(canonical(R"({"layer": "instance_norm"})"),
            R"({"layer":"instance_norm","epsilon":1e-05,"affine":false})");
  EXPECT_EQ(canonical(R"({"layer": "rms_norm"})"),
            R"({"layer":"rms_norm","axes":1,"epsilon":null,"scale":true})");
  EXPECT_EQ(canonical(canonical(R"({"layer": "rms_norm", "epsilon": 0.001, "axes": 3})")),
            R"({"layer":"rms_norm","axes":3,"epsilon":0.001,"scale":true})");
}

TEST(ExampleNormDescriptions, BuildWhatTheySay) {
  const auto model = build(R"({"layer": "layer_norm", "axes": 3}, {"layer": "group_norm"},
                              {"layer": "instance_norm", "affine": true}, {"layer": "rms_norm", "axes": 2},
                              {"layer": "layer_norm", "scale": false})");
  std::vector<std::string> found;
  for (const auto& [name, variable] : model->named_parameters()) {
    found.push_back(name + variable.shape().to_string());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"0.weight[4,6,32]", "0.bias[4,6,32]", "1.weight[32]",
                                             "1.bias[32]", "2.weight[32]", "2.bias[32]", "3.weight[6,32]",
                                             "4.bias[32]", "6.weight[768,10]", "6.bias[10]"}));
}

TEST(ExampleNormDescriptions, SayWhatIsWrong) {
  EXPECT_EQ(message_of<ValueError>([] { build(R"({"layer": "group_norm", "groups": 3})"); }),
            "model.json for inputs [4,6,32]: layers[0] (group_norm): [group_norm] expected a number of "
            "groups that divides the 32 "
            "channels, found 3");
  EXPECT_EQ(message_of<ValueError>([] { build(R"({"layer": "flatten"}, {"layer": "instance_norm"})"); }),
            "model.json for inputs [4,6,32]: layers[1] (instance_norm): [instance_norm] expected more than "
            "one position per "
            "channel, found input [2,768]: the layer would give beta for every input; use layer_norm or "
            "group_norm here");
  EXPECT_EQ(message_of<ShapeError>([] { build(R"({"layer": "layer_norm", "axes": 4})"); }),
            "model.json for inputs [4,6,32]: layers[0] (layer_norm): axes: expected at most the 3 axes of "
            "the input [4,6,32], found "
            "4");
  EXPECT_EQ(message_of<FileError>([] { build(R"({"layer": "group_norm", "groups": 0})"); }),
            "model.json: layers[0] (group_norm): groups: expected null or an integer from 1 to 2147483647, "
            "found 0");
  EXPECT_EQ(message_of<FileError>([] { build(R"({"layer": "layer_norm", "epsilon": 0})"); }),
            "model.json: layers[0] (layer_norm): epsilon: expected a number above 0, found 0");
}

// Behind Flatten the features stand in another order in PyTorch, and a group of neighbours holds others.
TEST(ExampleNormDescriptions, GoToPyTorchWhereItHasThem) {
  const auto state = [](const std::string& layers) { return nn::to_pytorch(*build(layers), {4, 6, 32}); };
  EXPECT_EQ(state(R"({"layer": "layer_norm", "axes": 3})").tensors[0].tensor.shape(), (Shape{32, 4, 6}));
  EXPECT_EQ(state(R"({"layer": "group_norm"}, {"layer": "instance_norm"})").tensors[0].tensor.shape(),
            Shape{32});
  EXPECT_EQ(state(R"({"layer": "flatten"}, {"layer": "layer_norm"}, {"layer": "rms_norm"},
                     {"layer": "group_norm", "groups": 1})")
                .tensors[0]
                .tensor.shape(),
            Shape{768});
  EXPECT_EQ(state(R"({"layer": "flatten"}, {"layer": "dense", "units": 8}, {"layer": "group_norm"})")
                .tensors[2]
                .tensor.shape(),
            Shape{8});
  const auto refusal = [&](const std::string& layers) {
    return message_of<ValueError>([&] { state(layers); });
  };
  EXPECT_EQ(
      refusal(R"({"layer": "layer_norm"})"),
      "[pytorch_state] layer 0 (layer_norm): PyTorch has no equivalent layer for an input [2,4,6,32]; it "
      "has one for inputs of 2 or 3 axes");
  EXPECT_EQ(
      refusal(R"({"layer": "rms_norm", "axes": 2})"),
      "[pytorch_state] layer 0 (rms_norm): PyTorch has no equivalent layer: PyTorch's channels do not come "
      "last, so its last axes are others");
  EXPECT_EQ(refusal(R"({"layer": "flatten"}, {"layer": "group_norm", "groups": 2})"),
            "[pytorch_state] layer 1 (group_norm): its 'weight' [768] may follow the order of flattened "
            "features; the layer must say so in pytorch_layout()");
  EXPECT_NE(refusal(R"({"layer": "flatten"}, {"layer": "group_norm", "scale": false, "center": false})"),
            "no error");
}

}  // namespace
}  // namespace keel
