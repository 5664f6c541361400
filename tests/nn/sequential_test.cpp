#include "keel/nn/sequential.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Context;
using nn::Mode;
using nn::Sequential;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

// flatten, block(0: dense, 1: tanh, 2: dropout), head: dense
std::shared_ptr<Sequential> make_nested(Rng& rng) {
  const auto block = std::make_shared<Sequential>();
  block->add<nn::Dense>(6, 4, rng);
  block->add<nn::Tanh>();
  block->add<nn::Dropout>(0.4);
  auto model = std::make_shared<Sequential>();
  model->add<nn::Flatten>();
  model->add("block", block);
  model->add("head", std::make_shared<nn::Dense>(4, 5, rng));
  return model;
}

std::shared_ptr<Sequential> nested() {
  Rng rng(1, Stream::initialization);
  return make_nested(rng);
}

Variable images() { return Variable(random_tensor({3, 2, 3}, 1, DType::float32)); }

TEST(Sequential, IsASoundLayer) {
  EXPECT_TRUE(check_module(
      make_nested, {.input = random_tensor({4, 3, 2}), .output_shape = {4, 5}, .differs_in_training = true}));
  EXPECT_EQ(Sequential().kind(), "sequential");
}

TEST(Sequential, RunsItsLayersInOrder) {
  const auto model = nested();
  Context context(Mode::evaluation);
  Variable y = images();
  for (const auto& layer : model->children()) y = (*layer.module)(y, context);
  EXPECT_TRUE(same_bits((*model)(images(), context).value(), y.value()));
}

TEST(Sequential, WithoutLayersIsTheIdentity) {
  Sequential empty;
  Context context(Mode::training);
  EXPECT_TRUE(empty(images(), context).value().shape() == images().shape());
}

TEST(Sequential, NamesArePositionsOrGiven) {
  const auto model = nested();
  std::vector<std::string> names;
  for (const auto& named : model->named_parameters()) names.push_back(named.name);
  EXPECT_EQ(names, (std::vector<std::string>{"block.0.weight", "block.0.bias", "head.weight", "head.bias"}));
  EXPECT_EQ(message_of<ValueError>([&] { model->add("head", std::make_shared<nn::ReLU>()); }),
            "[module] the name 'head' is taken in this sequential");
  model->add<nn::ReLU>();
  EXPECT_EQ(model->children().back().name, "3");
}

TEST(Sequential, AddReturnsTheLayer) {
  Sequential model;
  Rng rng(1, Stream::initialization);
  nn::Dense& dense = model.add<nn::Dense>(3, 2, rng);
  EXPECT_EQ(&dense, model.children()[0].module.get());
}

TEST(Sequential, AnErrorTellsTheLayersPlaceAndKeepsItsType) {
  const auto model = nested();
  Context context(Mode::evaluation);
  EXPECT_EQ(message_of<ShapeError>([&] {
              (*model)(Variable(Tensor::zeros({3, 2, 2})), context);
            }),
            "layer block.0 (dense): [dense] input [3,4] does not fit weight [6,4]: expected 6 features along "
            "the last axis");
  EXPECT_EQ(
      message_of<DTypeError>([&] {
        (*model)(Variable(Tensor::zeros({3, 6}, DType::float64)), context);
      }),
      "layer block.0 (dense): [dense] expected operands of one element type, found float64 and float32");

  struct Undefined final : nn::Layer<Undefined> {
    nn::Parameter forgotten;
    Variable forward(const Variable&, Context&) override { return Variable(forgotten.value()); }
  };
  model->add<Undefined>();
  EXPECT_EQ(message_of<Error>([&] { (*model)(images(), context); }),
            "layer 3 (Undefined): [variable] used before it was given a value");
}

TEST(Sequential, AnErrorOfAUsersClassPassesUnchanged) {
  struct Custom : Error {
    using Error::Error;
  };
  struct Throws final : nn::Layer<Throws> {
    Variable forward(const Variable&, Context&) override { throw Custom("mine"); }
  };
  Sequential model;
  model.add<Throws>();
  Context context(Mode::evaluation);
  EXPECT_EQ(message_of<Custom>([&] { model(images(), context); }), "mine");
}

TEST(Sequential, AContextCanBeUsedAgainAfterAnError) {
  const auto model = nested();
  Context context(Mode::evaluation);
  std::vector<std::string> paths;
  context.set_observer(
      [&](const std::string& path, const Variable&, const Variable&) { paths.push_back(path); });
  message_of([&] { (*model)(Variable(Tensor::zeros({3, 2, 2})), context); });
  EXPECT_EQ(context.path(), "");
  paths.clear();
  (*model)(images(), context);
  EXPECT_EQ(paths.front(), "0");
}

TEST(Sequential, TheObserverSeesEveryLayersInputAndOutput) {
  const auto model = nested();
  Context context(Mode::evaluation);
  std::vector<std::string> seen;
  std::vector<Variable> inputs_seen, outputs_seen;
  context.set_observer([&](const std::string& path, const Variable& input, const Variable& output) {
    inputs_seen.push_back(input);
    seen.push_back(path + " " + output.shape().to_string());
    outputs_seen.push_back(output);
  });
  const Variable x = images(), y = (*model)(x, context);
  EXPECT_EQ(seen, (std::vector<std::string>{"0 [3,6]", "block.0 [3,4]", "block.1 [3,4]", "block.2 [3,4]",
                                            "block [3,4]", "head [3,5]"}));
  EXPECT_EQ(outputs_seen.back(), y);
  EXPECT_EQ(inputs_seen.front(), x);
  EXPECT_EQ(inputs_seen[2], outputs_seen[1]);  // of block.1 and block.0
  EXPECT_EQ(inputs_seen[4], outputs_seen[0]);  // of block and 0
}

// A part that is not a layer of a Sequential, but a Child of a layer in one.
struct Composite final : nn::Layer<Composite> {
  nn::Child<Sequential> left, right;
  explicit Composite(Rng& rng)
      : left(child("left", make_nested(rng))), right(child("right", make_nested(rng))) {}
  Variable forward(const Variable& x, Context& context) override {
    left(x, context);
    return right(x, context);
  }
};

TEST(Sequential, PathsLeadThroughComposites) {
  Rng rng(1, Stream::initialization);
  Sequential model;
  model.add<Composite>(rng);
  // Its path in errors and observers is the one of visit() and of its parameters' names.
  std::vector<std::string> visited, observed;
  model.visit([&](const std::string& path, nn::Module&) {
    if (!path.empty()) visited.push_back(path);
  });
  Context context(Mode::evaluation);
  context.set_observer(
      [&](const std::string& path, const Variable&, const Variable&) { observed.push_back(path); });
  model(images(), context);
  std::sort(visited.begin(), visited.end());
  std::sort(observed.begin(), observed.end());
  EXPECT_EQ(observed, visited);
  EXPECT_TRUE(std::find(observed.begin(), observed.end(), "0.right.block.2") != observed.end());
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(Variable(Tensor::zeros({3, 2, 2})), context);
            }).substr(0, 35),
            "layer 0.left.block.0 (dense): [dens");
}

}  // namespace
}  // namespace keel
