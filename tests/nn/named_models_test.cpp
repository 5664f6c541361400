#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/model_description.h"
#include "keel/nn/pool2d.h"
#include "keel/nn/state_dict.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::ModelDescription;
using nn::NormPosition;
using nn::Sequential;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

Rng stream() { return Rng(7, Stream::initialization); }

std::shared_ptr<Sequential> build(const std::string& model, const Shape& input,
                                  const nn::NamedModelOptions& options = {}) {
  return ModelDescription::named(model, options).build(input, 10, stream());
}

// Kinds and parameters, equal bit for bit.
void expect_same_model(const nn::Module& found, const nn::Module& expected) {
  ASSERT_EQ(found.children().size(), expected.children().size());
  for (std::size_t i = 0; i < found.children().size(); ++i) {
    EXPECT_EQ(found.children()[i].module->kind(), expected.children()[i].module->kind()) << i;
  }
  const auto ours = found.named_parameters(), theirs = expected.named_parameters();
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].name, theirs[i].name);
    EXPECT_TRUE(same_bits(ours[i].variable.value(), theirs[i].variable.value())) << ours[i].name;
  }
}

TEST(NamedModels, MlpIsTheOneOfTheExperiment) {
  Rng rng = stream();
  Sequential expected;
  expected.add<nn::Flatten>();
  expected.add<nn::Dense>(28 * 28, 128, rng);
  expected.add<nn::ReLU>();
  expected.add<nn::BatchNorm>(128);
  expected.add<nn::Dropout>(0.25);
  expected.add<nn::Dense>(128, 10, rng);
  const nn::ClassifierOptions options{.batch_norm = true, .dropout = 0.25};
  expect_same_model(*nn::mlp(stream(), options), expected);
  expect_same_model(*ModelDescription::of("mlp", options).build(stream()), expected);
  expect_same_model(*build("mlp", {28, 28, 1}, {.batch_norm = true, .dropout = 0.25}), expected);
}

TEST(NamedModels, CnnIsTheOneOfTheExperiment) {
  Rng rng = stream();
  Sequential expected;
  Index channels = 3;
  for (const Index filters : {32, 64}) {
    for (int i = 0; i < 2; ++i) {
      expected.add<nn::Conv2d>(
          channels, filters, 3, rng,
          nn::Conv2dLayerOptions{
              .convolution = {.padding = 1}, .weight_init = nn::he_normal(), .bias_init = nn::zeros()});
      channels = filters;
      expected.add<nn::BatchNorm>(channels);
      expected.add<nn::ReLU>();
    }
    expected.add<nn::MaxPool2d>();
  }
  expected.add<nn::Flatten>();
  const nn::DenseOptions he{.weight_init = nn::he_normal(), .bias_init = nn::zeros()};
  expected.add<nn::Dense>(2 * 1 * 64, 128, rng, he);
  expected.add<nn::ReLU>();
  expected.add<nn::Dense>(128, 10, rng, he);
  const nn::ClassifierOptions options{.input = {9, 7, 3},
                                      .batch_norm = true,
                                      .norm_position = NormPosition::before_activation,
                                      .weight_init = nn::he_normal(),
                                      .bias_init = nn::zeros()};
  expect_same_model(*nn::cnn(stream(), options), expected);
  expect_same_model(*ModelDescription::of("cnn", options, "he_normal").build(stream()), expected);
}

// Of the articles, or counted by hand from their tables.
TEST(NamedModels, HaveTheParametersOfTheArticles) {
  // 156 + 2416 + 48120 + 10164 + 850; the article's own 60,000 count its partial connections and subsampling.
  EXPECT_EQ(build("lenet5", {28, 28, 1})->num_parameters(), 61706);
  // He et al., table 6: 0.27M, without the projections of two shortcuts and their BatchNorm.
  EXPECT_EQ(build("resnet20", {32, 32, 3})->num_parameters(), 269722 + 16 * 32 + 32 * 64 + 2 * (32 + 64));
  EXPECT_EQ(build("vgg-small", {28, 28, 1})->num_parameters(),
            320 + 9248 + 18496 + 36928 + 73856 + 147584 + (3 * 3 * 128 * 128 + 128) + 1290);
  EXPECT_EQ(build("mlp", {28, 28, 1})->num_parameters(), 101770);
}

TEST(NamedModels, GiveLogitsForImagesOfManySizes) {
  for (const std::string& name : ModelDescription::named_models()) {
    for (const Shape& input : {Shape{28, 28, 1}, Shape{32, 32, 3}, Shape{17, 40, 2}}) {
      for (const bool batch_norm : {false, true}) {
        const auto model = build(name, input, {.batch_norm = batch_norm, .dropout = 0.5});
        nn::Context context(nn::Mode::training);
        const Variable x(random_tensor({2, input[0], input[1], input[2]}, 1, DType::float32));
        EXPECT_EQ((*model)(x, context).shape(), (Shape{2, 10})) << name << input.to_string();
        bool has_norm = false;
        model->visit([&](const std::string&, nn::Module& m) { has_norm |= m.kind() == "batch_norm"; });
        EXPECT_EQ(has_norm, batch_norm) << name;
      }
    }
  }
}

TEST(NamedModels, PutBatchNormWhereTheyAreAsked) {
  const auto order = [](const std::string& name, const nn::NamedModelOptions& options) {
    const auto model = build(name, {28, 28, 1}, options);
    for (const auto& [place, layer] : model->children()) {
      if (layer->kind() == "batch_norm") return "batch_norm " + place;
    }
    return std::string("none");
  };
  EXPECT_EQ(order("mlp", {}), "none");
  EXPECT_EQ(order("mlp", {.batch_norm = true}), "batch_norm 3");
  EXPECT_EQ(order("cnn", {.batch_norm = true}), "batch_norm 1");
  EXPECT_EQ(order("resnet20", {}), "batch_norm 1");
  EXPECT_EQ(order("resnet20", {.norm_position = NormPosition::after_activation}), "batch_norm 2");
  EXPECT_EQ(order("resnet20", {.batch_norm = false}), "none");
}

TEST(NamedModels, AreCopiedAndRestoredBitForBit) {
  for (const std::string& name : ModelDescription::named_models()) {
    const auto model = build(name, {16, 16, 1}, {.batch_norm = true});
    nn::Context training(nn::Mode::training);
    (*model)(Variable(random_tensor({4, 16, 16, 1}, 1, DType::float32)), training);
    const auto clone = model->clone();
    const auto other = ModelDescription::named(name, {.batch_norm = true})
                           .build({16, 16, 1}, 10, Rng(8, Stream::initialization));
    nn::load_state_dict(*other, model->state_dict());
    const Variable x(random_tensor({3, 16, 16, 1}, 2, DType::float32));
    const auto logits = [&](nn::Module& each) {
      nn::Context context(nn::Mode::evaluation);
      return each(x, context).value();
    };
    EXPECT_TRUE(same_bits(logits(*clone), logits(*model))) << name;
    EXPECT_TRUE(same_bits(logits(*other), logits(*model))) << name;
  }
}

TEST(NamedModels, AreSoundModules) {
  // The first block of resnet20 and the first of its second stage, and all of lenet5, as small as they get.
  const auto make = [](const std::string& text, const Shape& input) {
    return [=](Rng& rng) { return ModelDescription::parse(text, "test").build(input, 2, rng); };
  };
  const std::string block =
      R"({"layers": [
        {"layer": "residual",
         "body": [{"layer": "conv2d", "filters": 3, "kernel": 3, "stride": 2, "padding": "same", "bias": false},
                  {"layer": "batch_norm"}, {"layer": "tanh"},
                  {"layer": "conv2d", "filters": 3, "kernel": 3, "padding": "same", "bias": false},
                  {"layer": "batch_norm"}],
         "shortcut": [{"layer": "conv2d", "filters": 3, "kernel": 1, "stride": 2, "bias": false},
                      {"layer": "batch_norm"}]},
        {"layer": "tanh"}, {"layer": "global_avg_pool2d"}, {"layer": "dense", "units": "classes"}]})";
  EXPECT_TRUE(testing::check_module(
      make(block, {3, 4, 2}),
      {.input = random_tensor({2, 3, 4, 2}), .output_shape = {2, 2}, .differs_in_training = true}));
  const std::string lenet =
      R"({"layers": [
        {"layer": "conv2d", "filters": 2, "kernel": 3, "padding": "same"}, {"layer": "tanh"},
        {"layer": "avg_pool2d"}, {"layer": "flatten"}, {"layer": "dense", "units": 3}, {"layer": "tanh"},
        {"layer": "dense", "units": "classes"}]})";
  EXPECT_TRUE(testing::check_module(make(lenet, {4, 4, 1}),
                                    {.input = random_tensor({3, 4, 4, 1}), .output_shape = {3, 2}}));
}

TEST(NamedModels, SayWhatIsWrong) {
  EXPECT_EQ(
      message_of<ValueError>([] { ModelDescription::named("lenet"); }),
      "there is no model \"lenet\"; there are cnn, lenet5, mlp, resnet20, vgg-small: did you mean 'lenet5'?");
  EXPECT_EQ(message_of<ValueError>([] { ModelDescription::named("mlp", {.dropout = 1.5}); }),
            "model mlp: dropout: expected a number from 0 to 1, found 1.5");
  EXPECT_EQ(
      message_of<ValueError>([] { ModelDescription::named("mlp", {.batch_norm_options = {.momentum = 2}}); }),
      "model mlp: norm (batch_norm): momentum: expected null or a number from 0 to 1, found 2.0");
  EXPECT_EQ(message_of<ShapeError>([] {
              build("lenet5", {9, 28, 1});
            }),
            "model lenet5 for inputs [9,28,1]: layers[3] (conv2d): [conv2d] weight [5,5,6,16] with dilation "
            "1x1 covers 5x5 pixels, input [2,4,14,6] with padding 0x0 has 4x14");
  EXPECT_EQ(
      message_of<ShapeError>([] {
        build("cnn", {3, 3, 1});
      }),
      "model cnn for inputs [3,3,1]: layers[9] (max_pool2d): [max_pool2d] kernel 2x2 is larger than the "
      "1x1 pixels of input [2,1,1,64] with padding 0x0");
  EXPECT_EQ(message_of<ShapeError>([] { build("resnet20", {784}); }),
            "model resnet20 for inputs [784]: layers[0] (conv2d): expected images [H,W,C], found [784]");
}

}  // namespace
}  // namespace keel
