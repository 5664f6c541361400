// Batches that a model cannot train on are found before the first step.
#include <gtest/gtest.h>

#include "keel/nn/embedding.h"
#include "keel/nn/flatten.h"
#include "keel/optim/adam.h"
#include "keel/train/fit.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::banded_images;
using testing::small_cnn;
using testing::small_mlp;
using testing::state_of;

// 17 examples in batches of 8: the last batch has one.
data::Batches with_lonely_example(bool drop_last = false) {
  return data::Batches(banded_images(17), {.batch_size = 8, .shuffle = true, .drop_last = drop_last});
}

const char* const kRefusal =
    "17 training examples in batches of 8 leave a batch of 1: layer 3 (batch_norm): [batch_norm] expected "
    "more "
    "than one value per channel in training, found input [1,128]: use larger batches, drop the incomplete "
    "last "
    "batch, or freeze() the layer";

class CountsSteps final : public Callback {
 public:
  void on_step(const StepRecord&) override { ++events; }
  void on_epoch(const EpochRecord&) override { ++events; }
  int events = 0;
};

TEST(CheckBatches, RefusesABatchOfOneWithBatchNorm) {
  const auto model = small_mlp({.batch_norm = true});
  EXPECT_EQ(message_of<BatchSizeError>([&] { check_batches(*model, with_lonely_example()); }), kRefusal);
}

TEST(CheckBatches, FitAsksBeforeItDoesAnything) {
  const auto model = small_mlp({.batch_norm = true});
  const std::vector<double> before = state_of(*model);
  optim::Adam optimizer(model->named_parameters());
  const auto counter = std::make_shared<CountsSteps>();
  EXPECT_EQ(message_of<BatchSizeError>(
                [&] { fit(*model, optimizer, with_lonely_example(), with_lonely_example(), {}, {counter}); }),
            kRefusal);
  EXPECT_EQ(counter->events, 0);
  EXPECT_EQ(state_of(*model), before);
}

TEST(CheckBatches, AcceptsWhatCanBeTrained) {
  const auto with_norm = small_mlp({.batch_norm = true});
  EXPECT_NO_THROW(check_batches(*with_norm, with_lonely_example(true)));
  EXPECT_NO_THROW(check_batches(*small_mlp(), with_lonely_example()));
  // A convolution has a value for each pixel.
  const auto cnn = small_cnn({.batch_norm = true, .norm_position = nn::NormPosition::before_activation});
  EXPECT_NO_THROW(check_batches(*cnn, with_lonely_example()));
  // A lonely example is no matter in evaluation.
  optim::Adam optimizer(with_norm->named_parameters());
  EXPECT_NO_THROW(
      fit(*with_norm, optimizer, with_lonely_example(true), with_lonely_example(), {.epochs = 1}));
}

TEST(CheckBatches, RefusesBatchesOfOne) {
  const auto model = small_mlp({.batch_norm = true});
  const data::Batches ones(banded_images(3), {.batch_size = 1});
  EXPECT_TRUE(
      message_of<BatchSizeError>([&] {
        check_batches(*model, ones);
      }).starts_with("3 training examples in batches of 1 leave a batch of 1: layer 3 (batch_norm): "));
}

TEST(CheckBatches, TellsOfImagesThatDoNotFit) {
  auto options = testing::for_banded_images();
  options.input = {12, 10, 1};
  const auto model = nn::mlp(Rng(1, Stream::initialization), options);
  EXPECT_EQ(message_of<ShapeError>([&] { check_batches(*model, with_lonely_example()); }),
            "layer 1 (dense): [dense] input [8,240] "
            "does not fit weight [120,128]: expected 120 features "
            "along the last axis");
}

TEST(CheckBatches, SaysNothingOfBatchesWhereTheirSizeIsNotTheMatter) {
  nn::Sequential model;
  Rng rng(1, Stream::initialization);
  model.add(std::make_shared<nn::Embedding>(10, 2, rng));
  const std::string message = message_of<ValueError>([&] { check_batches(model, with_lonely_example()); });
  EXPECT_TRUE(message.starts_with("layer 0 (embedding): [embedding] expected ids, ")) << message;
}

TEST(CheckBatches, LeavesTheModelAsItIs) {
  const auto model = small_mlp({.batch_norm = true, .dropout = 0.5});
  const std::vector<double> before = state_of(*model);
  check_batches(*model, with_lonely_example(true));
  EXPECT_EQ(state_of(*model), before);
  for (const Variable& parameter : model->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

}  // namespace
}  // namespace keel::train
