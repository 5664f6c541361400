#include "keel/train/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/ops/arithmetic.h"
#include "keel/train/non_finite.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::banded_images;
using testing::RealDataset;
using testing::small_mlp;
using testing::state_of;

Tensor labels_of(std::initializer_list<std::int32_t> labels) {
  return Tensor::from<std::int32_t>({static_cast<Index>(labels.size())}, labels);
}

TEST(Metrics, AreNotANumberBeforeTheFirstExample) {
  const Metrics metrics;
  EXPECT_EQ(metrics.examples(), 0);
  EXPECT_TRUE(std::isnan(metrics.loss()));
  EXPECT_TRUE(std::isnan(metrics.accuracy()));
}

TEST(Metrics, WeighBatchesByTheirExamples) {
  Metrics metrics;
  // Right, wrong, and right though all logits are negative.
  metrics.add(0.5, Tensor::from<float>({3, 2}, {1, 0, 2, 3, -5, -4}), labels_of({0, 0, 1}));
  EXPECT_EQ(metrics.examples(), 3);
  EXPECT_EQ(metrics.loss(), 0.5);
  EXPECT_DOUBLE_EQ(metrics.accuracy(), 2.0 / 3);
  metrics.add(4, Tensor::from<float>({1, 2}, {1, 0}), labels_of({1}));
  EXPECT_EQ(metrics.examples(), 4);
  EXPECT_EQ(metrics.loss(), (3 * 0.5 + 4) / 4);
  EXPECT_EQ(metrics.accuracy(), 0.5);
}

TEST(Metrics, RefuseLabelsOfAnotherBatch) {
  Metrics metrics;
  EXPECT_EQ(message_of<ShapeError>([&] {
              metrics.add(1, Tensor::zeros({3, 2}), labels_of({0, 0}));
            }),
            "[metrics] logits [3,2] do not fit labels [2]");
}

// Logits are the inputs: the loss of an example is log(1 + e^-margin).
TEST(Evaluate, IsTheMeanOverExamplesWhateverTheBatches) {
  nn::Sequential identity;
  const Tensor inputs = Tensor::from<float>({5, 2}, {0, 0, 1, 0, 0, 2, 3, 0, 4, 0});
  const auto dataset = std::make_shared<RealDataset>(inputs, labels_of({0, 0, 1, 0, 1}), 2);
  double expected = 0;
  for (const double margin : {0, 1, 2, 3, -4}) expected += std::log1p(std::exp(-margin)) / 5;
  for (const Index batch_size : {1, 2, 3, 5}) {
    SCOPED_TRACE(batch_size);
    const Metrics metrics = evaluate(identity, data::Batches(dataset, {.batch_size = batch_size}));
    EXPECT_EQ(metrics.examples(), 5);
    // Losses of batches are float32.
    EXPECT_NEAR(metrics.loss(), expected, 1e-6);
    EXPECT_EQ(metrics.accuracy(), 0.8);  // of equal logits the first counts
  }
}

TEST(Evaluate, LeavesOutWhatTheBatchesLeaveOut) {
  nn::Sequential identity;
  const auto dataset = std::make_shared<RealDataset>(Tensor::zeros({5, 2}), labels_of({0, 0, 0, 0, 1}), 2);
  const Metrics metrics = evaluate(identity, data::Batches(dataset, {.batch_size = 2, .drop_last = true}));
  EXPECT_EQ(metrics.examples(), 4);
  EXPECT_EQ(metrics.accuracy(), 1);
}

TEST(Evaluate, UsesEvaluationMode) {
  const data::Batches batches(banded_images(13), {.batch_size = 4});
  const auto with_dropout = small_mlp({.batch_norm = true, .dropout = 0.9});
  const auto without = small_mlp({.batch_norm = true});
  const std::vector<double> before = state_of(*with_dropout);
  EXPECT_EQ(evaluate(*with_dropout, batches).loss(), evaluate(*without, batches).loss());
  // Running statistics, too, stay what they were.
  EXPECT_EQ(state_of(*with_dropout), before);
}

// Tells how it was run.
struct Probe final : nn::Layer<Probe> {
  Variable forward(const Variable& x, nn::Context& context) override {
    ++runs;
    recorded = recorded || is_recording();
    trained = trained || context.training();
    return x * scale;
  }
  double scale = 1;
  int runs = 0;
  bool recorded = false, trained = false;
};

TEST(Evaluate, RecordsNothingAndPutsTheSwitchBack) {
  const auto dataset = std::make_shared<RealDataset>(Tensor::ones({3, 2}), labels_of({0, 1, 0}), 2);
  const data::Batches batches(dataset, {.batch_size = 2});
  Probe probe;
  ASSERT_TRUE(is_recording());
  evaluate(probe, batches);
  EXPECT_EQ(probe.runs, 2);
  EXPECT_FALSE(probe.recorded);
  EXPECT_FALSE(probe.trained);
  EXPECT_TRUE(is_recording());

  probe.scale = std::numeric_limits<double>::infinity();
  EXPECT_THROW(evaluate(probe, batches), NonFiniteLoss);
  EXPECT_TRUE(is_recording());

  const NoGrad no_grad;
  probe.scale = 1;
  evaluate(probe, batches);
  EXPECT_FALSE(is_recording());
}

}  // namespace
}  // namespace keel::train
