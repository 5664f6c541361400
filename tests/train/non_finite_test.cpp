// A run that leaves the finite numbers stops, and says when and where.
#include "keel/train/non_finite.h"

#include <gtest/gtest.h>

#include <limits>

#include "keel/nn/activation.h"
#include "keel/nn/dense.h"
#include "keel/nn/flatten.h"
#include "keel/ops/arithmetic.h"
#include "keel/optim/adam.h"
#include "keel/train/csv_log.h"
#include "keel/train/fit.h"
#include "keel/train/metrics.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using testing::banded_images;
using testing::RealDataset;
using testing::small_mlp;
using testing::state_of;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

data::Batches batches_of(Index examples, Index batch_size) {
  return data::Batches(banded_images(examples), {.batch_size = batch_size, .shuffle = true, .seed = 3});
}

std::string stop_of_fit(nn::Module& model, const data::Batches& training, double learning_rate,
                        const std::vector<std::shared_ptr<Callback>>& callbacks = {}) {
  optim::Adam optimizer(model.named_parameters());
  const FitOptions options{.epochs = 3, .schedule = optim::constant(learning_rate)};
  return message_of<NonFiniteLoss>(
      [&] { fit(model, optimizer, training, batches_of(9, 9), options, callbacks); });
}

std::string place_of(nn::Module& model, const Tensor& inputs) {
  const data::Batch batch{inputs, Tensor::zeros({inputs.size(0)}, DType::int32)};
  return locate_non_finite(model, batch, nn::Context(nn::Mode::training));
}

void set_element(nn::Module& model, const std::string& name, float value) {
  for (const auto& list : {model.named_parameters(), model.named_buffers()}) {
    for (nn::NamedVariable named : list) {
      if (named.name == name) named.variable.mutable_value().data<float>()[1] = value;
    }
  }
}

// Adam's first update moves every weight by the learning rate; the product of two layers of such weights is
// more than float32 holds.
TEST(NonFiniteLoss, OfTooLargeARateNamesStepAndLayer) {
  const auto model = small_mlp();
  EXPECT_EQ(stop_of_fit(*model, batches_of(26, 8), 1e30),
            "loss is nan at step 2 (epoch 1, batch 2 of 4): first in the output of layer 3 (dense)");
}

TEST(NonFiniteLoss, StopsBeforeTheUpdateThatWouldSpoilTheWeights) {
  const auto model = small_mlp();
  stop_of_fit(*model, batches_of(26, 8), 1e30);
  for (const double weight : state_of(*model)) ASSERT_TRUE(std::isfinite(weight));
}

TEST(NonFiniteLoss, FoundInEvaluationAlsoNamesTheStep) {
  const auto model = small_mlp();
  EXPECT_EQ(stop_of_fit(*model, batches_of(8, 8), 1e30),
            "after step 1 (epoch 1): loss is nan in evaluation, batch 1 of 1: first in the output of layer 3 "
            "(dense)");
}

TEST(NonFiniteLoss, KeepsTheRowsWrittenBefore) {
  const TemporaryDirectory directory;
  const auto log = std::make_shared<CsvLog>(directory / "epochs.csv");
  const auto model = small_mlp();
  EXPECT_NE(stop_of_fit(*model, batches_of(26, 8), 1e30, {log}), "no error");
  const std::string text = keel::testing::text_of(directory / "epochs.csv");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("\n0,0,1."), std::string::npos) << text;
}

TEST(NonFiniteLoss, OfBrokenDataIsFoundBeforeTraining) {
  Tensor inputs = Tensor::ones({5, 4});
  inputs.data<float>()[9] = kNan;  // in example 2, so in the second batch
  const auto dataset = std::make_shared<RealDataset>(inputs, Tensor::zeros({5}, DType::int32), 2);
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Dense>(4, 2, rng);
  optim::Adam optimizer(model.named_parameters());
  const data::Batches batches(dataset, {.batch_size = 2});
  EXPECT_EQ(message_of<NonFiniteLoss>([&] { fit(model, optimizer, batches, batches, {}); }),
            "after step 0 (epoch 0): loss is nan in evaluation, batch 2 of 3: first in the input");
  EXPECT_EQ(message_of<NonFiniteLoss>([&] { evaluate(model, batches); }),
            "loss is nan in evaluation, batch 2 of 3: first in the input");
}

struct DividesByZero final : nn::Layer<DividesByZero> {
  Variable forward(const Variable& x, nn::Context&) override { return x / (x - x); }
};

TEST(LocateNonFinite, NamesTheLayerInTheMiddle) {
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Dense>(4, 3, rng);
  model.add<DividesByZero>();
  model.add<nn::Dense>(3, 2, rng);
  EXPECT_EQ(place_of(model, Tensor::ones({2, 4})), "first in the output of layer 1 (DividesByZero)");
}

TEST(LocateNonFinite, NamesTheInnermostLayer) {
  Rng rng(1, Stream::initialization);
  const auto block = std::make_shared<nn::Sequential>();
  block->add<nn::Tanh>();
  block->add("scale", std::make_shared<DividesByZero>());
  nn::Sequential model;
  model.add<nn::Dense>(4, 3, rng);
  model.add("block", block);
  EXPECT_EQ(place_of(model, Tensor::ones({2, 4})),
            "first in the output of layer block.scale (DividesByZero)");
}

TEST(LocateNonFinite, NamesParametersAndBuffersThatAreNotFinite) {
  const auto model = small_mlp({.batch_norm = true});
  set_element(*model, "1.bias", kInfinity);
  EXPECT_EQ(place_of(*model, banded_images(4)->gather(std::vector{0, 1, 2}).inputs),
            "first in the output of layer 1 (dense); not finite themselves: 1.bias");
  set_element(*model, "3.weight", kNan);
  set_element(*model, "3.running_var", kNan);
  EXPECT_EQ(place_of(*model, banded_images(4)->gather(std::vector{0, 1, 2}).inputs),
            "first in the output of layer 1 (dense); not finite themselves: 1.bias, 3.weight, 3.running_var");
}

TEST(LocateNonFinite, NamesTheInputFirst) {
  const auto model = small_mlp();
  set_element(*model, "1.bias", kNan);
  EXPECT_EQ(place_of(*model, Tensor::full({2, 12, 10, 2}, kInfinity)), "first in the input");
}

TEST(LocateNonFinite, NamesAModelThatIsNoContainer) {
  Rng rng(1, Stream::initialization);
  nn::Dense model(4, 3, rng);
  set_element(model, "weight", kNan);
  EXPECT_EQ(place_of(model, Tensor::ones({2, 4})),
            "first in the output of the model (dense); not finite themselves: weight");
}

// Logits that are finite, but whose difference is not.
struct FarApart final : nn::Layer<FarApart> {
  Variable forward(const Variable& x, nn::Context&) override { return x * 3e38; }
};

TEST(LocateNonFinite, NamesTheLossItself) {
  nn::Sequential model;
  model.add<FarApart>();
  const Tensor inputs = Tensor::from<float>({1, 2}, {-1, 1});
  const auto dataset = std::make_shared<RealDataset>(inputs, Tensor::zeros({1}, DType::int32), 2);
  EXPECT_EQ(message_of<NonFiniteLoss>([&] { evaluate(model, data::Batches(dataset, {.batch_size = 1})); }),
            "loss is inf in evaluation, batch 1 of 1: first in the loss itself");
}

TEST(LocateNonFinite, LeavesTheModelAsItIs) {
  const auto model = small_mlp({.batch_norm = true});
  const std::vector<double> before = state_of(*model);
  EXPECT_EQ(place_of(*model, banded_images(4)->gather(std::vector{0, 1, 2}).inputs),
            "first in the loss itself");
  EXPECT_EQ(state_of(*model), before);
}

}  // namespace
}  // namespace keel::train
