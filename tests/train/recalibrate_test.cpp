#include "keel/train/recalibrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_layer_norm.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/batch_renorm.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/full_norm.h"
#include "keel/nn/gru.h"
#include "keel/nn/lstm.h"
#include "keel/nn/mean_only_batch_norm.h"
#include "keel/nn/noisy_batch_norm.h"
#include "keel/nn/reshape.h"
#include "keel/nn/sequential.h"
#include "keel/nn/timestep_batch_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"
#include "support/threads.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::random_tensor;
using keel::testing::same_bits;
using keel::testing::with_one_thread;
using keel::testing::with_three_threads;
using testing::banded_images;
using testing::RealDataset;
using testing::small_cnn;
using testing::small_mlp;
using testing::state_of;

data::Batches real_batches(Index examples, Index features, Index batch_size, std::uint64_t seed = 1) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(examples), 0);
  const Tensor inputs = random_tensor({examples, features}, seed, DType::float32);
  return data::Batches(std::make_shared<RealDataset>(inputs, Tensor::from({examples}, labels), 2),
                       {.batch_size = batch_size, .shuffle = true, .seed = 3});
}

// Mean and unbiased variance of each column of some batches, each averaged over the batches.
struct Expected {
  std::vector<double> mean, variance;
};
Expected statistics(const data::Batches& batches, Index count, Index features) {
  Expected all{std::vector<double>(static_cast<std::size_t>(features), 0),
               std::vector<double>(static_cast<std::size_t>(features), 0)};
  for (Index i = 0; i < count; ++i) {
    const Tensor x = batches.batch(i / batches.count(), i % batches.count()).inputs;
    const auto n = static_cast<double>(x.size(0));
    for (Index c = 0; c < features; ++c) {
      double mean = 0, squares = 0;
      for (Index r = 0; r < x.size(0); ++r) mean += x.at({r, c}) / n;
      for (Index r = 0; r < x.size(0); ++r) squares += (x.at({r, c}) - mean) * (x.at({r, c}) - mean);
      all.mean[static_cast<std::size_t>(c)] += mean / static_cast<double>(count);
      all.variance[static_cast<std::size_t>(c)] += squares / (n - 1) / static_cast<double>(count);
    }
  }
  return all;
}

void expect_statistics(const nn::BatchNorm& norm, const Expected& expected) {
  for (std::size_t c = 0; c < expected.mean.size(); ++c) {
    EXPECT_NEAR(norm.running_mean.value().data<float>()[c], expected.mean[c], 1e-6);
    EXPECT_NEAR(norm.running_var.value().data<float>()[c], expected.variance[c], 1e-6);
  }
}

TEST(RecalibrateBatchNorm, AveragesTheStatisticsOfBatches) {
  const auto batches = real_batches(20, 3, 5);
  nn::Sequential model;
  nn::BatchNorm& norm = model.add<nn::BatchNorm>(3, nn::BatchNormOptions{.momentum = 0.3});
  norm.running_mean.mutable_value().fill(50);
  for (const Index count : {1, 3, 6}) {  // 6: two of the second epoch
    recalibrate_batch_norm(model, batches, count);
    expect_statistics(norm, statistics(batches, count, 3));
    EXPECT_EQ(norm.num_batches_tracked.value().item(), count);
  }
}

TEST(RecalibrateBatchNorm, RunsAllElseAsInEvaluation) {
  const auto batches = real_batches(20, 3, 5);
  nn::Sequential model;
  model.add<nn::Dropout>(0.5);
  nn::BatchNorm& norm = model.add<nn::BatchNorm>(3);
  recalibrate_batch_norm(model, batches, 4);
  expect_statistics(norm, statistics(batches, 4, 3));
}

// The second layer's statistics are those behind the first one's batch statistics: mean 0 and variance 1.
TEST(RecalibrateBatchNorm, NormalisesByEachBatchesOwnStatistics) {
  const auto batches = real_batches(40, 3, 20);
  nn::Sequential model;
  model.add<nn::BatchNorm>(3).running_mean.mutable_value().fill(50);
  nn::BatchNorm& second = model.add<nn::BatchNorm>(3);
  recalibrate_batch_norm(model, batches, 2);
  EXPECT_NEAR(second.running_mean.value().at({1}), 0, 1e-6);
  EXPECT_NEAR(second.running_var.value().at({1}), 20.0 / 19, 1e-4);
}

TEST(RecalibrateBatchNorm, LeavesWeightsMomentumAndOtherLayersAlone) {
  const auto batches = real_batches(20, 3, 5);
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Dense>(3, 3, rng);
  nn::BatchNorm& norm = model.add<nn::BatchNorm>(3, nn::BatchNormOptions{.momentum = 0.25});
  nn::BatchNorm& frozen = model.add<nn::BatchNorm>(3);
  frozen.running_mean.mutable_value().fill(7);
  frozen.freeze();
  const nn::BatchNorm& untracked =
      model.add<nn::BatchNorm>(3, nn::BatchNormOptions{.track_running_stats = false});
  const auto before = model.clone();
  recalibrate_batch_norm(model, batches, 3);
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    EXPECT_TRUE(same_bits(model.parameters()[i].value(), before->parameters()[i].value()));
  }
  EXPECT_EQ(frozen.running_mean.value().at({0}), 7);
  EXPECT_EQ(frozen.num_batches_tracked.value().item(), 0);
  EXPECT_FALSE(untracked.running_mean.defined());
  // As before: the running statistics are used in evaluation, and taken up by momentum in training.
  const Tensor mean = norm.running_mean.value().clone();
  nn::Context evaluation(nn::Mode::evaluation), training(nn::Mode::training);
  norm(Variable(Tensor::full({2, 3}, 100)), evaluation);
  EXPECT_TRUE(same_bits(norm.running_mean.value(), mean));
  norm(Variable(Tensor::full({2, 3}, 100)), training);
  EXPECT_NEAR(norm.running_mean.value().at({0}), 0.75 * mean.at({0}) + 25, 1e-5);
}

TEST(RecalibrateBatchNorm, GivesTheSameBitsForAnyNumberOfThreads) {
  const data::Batches batches(banded_images(40), {.batch_size = 8, .shuffle = true, .drop_last = true});
  const auto state = [&] {
    const auto model = small_cnn({.batch_norm = true, .dropout = 0.5});
    recalibrate_batch_norm(*model, batches, 5);
    return state_of(*model);
  };
  EXPECT_EQ(with_one_thread(state), with_three_threads(state));
}

// In one batch with all examples, evaluation is as training but for the unbiased variance.
TEST(RecalibrateBatchNorm, MakesEvaluationAgreeWithTraining) {
  const data::Batches batches(banded_images(600), {.batch_size = 600});
  const auto model = small_mlp({.batch_norm = true});
  const Variable x(batches.batch(0, 0).inputs);
  nn::Context training(nn::Mode::training);
  const Tensor right = (*model)(x, training).value();
  const auto worst_error = [&] {
    nn::Context evaluation(nn::Mode::evaluation);
    const Tensor found = (*model)(x, evaluation).value();
    double worst = 0;
    for (Index i = 0; i < found.numel(); ++i) {
      worst = std::max(worst, std::abs(double{found.data<float>()[i]} - double{right.data<float>()[i]}));
    }
    return worst;
  };
  EXPECT_GT(worst_error(), 0.3);
  recalibrate_batch_norm(*model, batches, 1);
  EXPECT_LT(worst_error(), 0.003);
}

TEST(RecalibrateBatchNorm, SaysWhatIsWrongAndLeavesTheStatisticsAlone) {
  const auto batches = real_batches(21, 3, 5);
  nn::Sequential model;
  nn::BatchNorm& norm = model.add<nn::BatchNorm>(3);
  norm.running_mean.mutable_value().fill(50);
  norm.num_batches_tracked.mutable_value().fill(9);
  const auto unchanged = [&] {
    return norm.running_mean.value().at({2}) == 50 && norm.running_var.value().at({2}) == 1 &&
           norm.num_batches_tracked.value().item() == 9;
  };
  EXPECT_EQ(message_of<ValueError>([&] { recalibrate_batch_norm(model, batches, 0); }),
            "[recalibrate_batch_norm] expected at least 1 batch, found 0");
  EXPECT_EQ(
      message_of<ValueError>([&] { recalibrate_batch_norm(model, batches, 5); }),
      "layer 0 (batch_norm): [batch_norm] expected more than one value per channel where batch statistics "
      "are used, found input [1,3]: use larger batches, drop the incomplete last batch, or freeze() the "
      "layer");
  EXPECT_TRUE(unchanged());
  int asked = 0;
  EXPECT_EQ(message_of<Interrupted>(
                [&] { recalibrate_batch_norm(model, batches, 4, [&] { return ++asked == 3; }); }),
            "[recalibrate_batch_norm] interrupted at batch 3 of 4");
  EXPECT_TRUE(unchanged());
  // Not recalibrating any more: one row is no error in evaluation.
  nn::Context evaluation(nn::Mode::evaluation);
  model(Variable(Tensor::zeros({1, 3})), evaluation);

  nn::Sequential nan;
  nan.add<nn::BatchNorm>(3).weight.mutable_value().fill(std::nan(""));
  nan.add<nn::BatchNorm>(3);
  EXPECT_EQ(message_of<Error>([&] { recalibrate_batch_norm(nan, batches, 2); }),
            "[recalibrate_batch_norm] layer 1 (batch_norm): its new statistics are not finite");
  EXPECT_EQ(nan.named_buffers()[0].variable.value().at({0}), 0);

  norm.freeze();
  EXPECT_EQ(
      message_of<ValueError>([&] { recalibrate_batch_norm(model, batches, 1); }),
      "[recalibrate_batch_norm] expected a model that has running statistics to estimate anew (those of "
      "BatchNorm, BatchRenorm or FullNorm, not frozen), found none");
}

data::Batches sequences(Index steps) {
  std::vector<std::int32_t> labels(12, 0);
  const Tensor inputs = random_tensor({12, steps * 2}, 5, DType::float32);
  return data::Batches(std::make_shared<RealDataset>(inputs, Tensor::from({12}, labels), 2),
                       {.batch_size = 4, .shuffle = true, .seed = 3});
}

// Each timestep has the statistics of that step: what a BatchNorm would have that sees it alone.
TEST(RecalibrateBatchNorm, AveragesEachTimestepByItself) {
  const data::Batches batches = sequences(3);
  nn::Sequential model;
  model.add<nn::Reshape>(Shape{3, 2});
  nn::TimestepBatchNorm& norm = model.add<nn::TimestepBatchNorm>(3, 2, nn::BatchNormOptions{.momentum = 0.3});
  norm.running_var.mutable_value().fill(50);
  EXPECT_TRUE(statistics_left_alone(model).empty());
  recalibrate_batch_norm(model, batches, 3);
  for (Index t = 0; t < 3; ++t) {
    nn::BatchNorm alone(2, {.momentum = nn::kCumulativeAverage});
    nn::Context context(nn::Mode::training);
    for (Index i = 0; i < 3; ++i) {
      alone(Variable(slice(batches.batch(0, i).inputs, 1, 2 * t, 2 * t + 2)), context);
    }
    EXPECT_EQ(norm.num_batches_tracked.value().at({t}), 3);
    for (Index c = 0; c < 2; ++c) {
      EXPECT_NEAR(norm.running_mean.value().at({t, c}), alone.running_mean.value().at({c}), 1e-6);
      EXPECT_NEAR(norm.running_var.value().at({t, c}), alone.running_var.value().at({c}), 1e-6);
    }
  }
}

// In one batch of all sequences evaluation is then as training, but for the unbiased variance.
TEST(RecalibrateBatchNorm, ReachesTheNormsOfRecurrentLayers) {
  std::vector<std::int32_t> labels(6000, 0);
  const Tensor inputs = random_tensor({6000, 20}, 5, DType::float32);
  const data::Batches batches(std::make_shared<RealDataset>(inputs, Tensor::from({6000}, labels), 2),
                              {.batch_size = 6000});
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Reshape>(Shape{5, 4});
  model.add<nn::LSTM>(
      4, 6, rng,
      nn::RecurrentOptions{.norm = nn::RecurrentNorm::batch, .timesteps = 5, .initial_gamma = 0.5});
  nn::Context training(nn::Mode::training);
  const Tensor right = model(Variable(batches.batch(0, 0).inputs), training).value();
  const auto worst_error = [&] {
    nn::Context evaluation(nn::Mode::evaluation);
    const Tensor found = model(Variable(batches.batch(0, 0).inputs), evaluation).value();
    double worst = 0;
    for (Index i = 0; i < found.numel(); ++i) {
      worst = std::max(worst, std::abs(double{found.data<float>()[i]} - double{right.data<float>()[i]}));
    }
    return worst;
  };
  EXPECT_GT(worst_error(), 0.02);
  recalibrate_batch_norm(model, batches, 1);
  EXPECT_LT(worst_error(), 0.0006);
}

TEST(RecalibrateBatchNorm, ReachesMeanOnlyBatchNorm) {
  const auto batches = real_batches(20, 3, 5);
  nn::Sequential model;
  nn::MeanOnlyBatchNorm& norm =
      model.add<nn::MeanOnlyBatchNorm>(3, nn::MeanOnlyBatchNormOptions{.momentum = 0.3});
  norm.running_mean.mutable_value().fill(50);
  recalibrate_batch_norm(model, batches, 4);
  const Expected expected = statistics(batches, 4, 3);
  for (Index c = 0; c < 3; ++c) {
    EXPECT_NEAR(norm.running_mean.value().at({c}), expected.mean[static_cast<std::size_t>(c)], 1e-6);
  }
  EXPECT_EQ(norm.num_batches_tracked.item(), 4);
  // As before in training.
  const double before = norm.running_mean.value().at({0});
  nn::Context training(nn::Mode::training);
  norm(Variable(Tensor::full({2, 3}, 100)), training);
  EXPECT_NEAR(norm.running_mean.value().at({0}), 0.7 * before + 30, 1e-5);
}

// As the layer behind shows, it normalises meanwhile as BatchNorm does.
TEST(RecalibrateBatchNorm, FindsForBatchRenormWhatItFindsForBatchNorm) {
  const auto batches = real_batches(20, 3, 5);
  nn::Sequential plain, renormalised;
  std::vector<nn::BatchNorm*> norms;
  std::vector<nn::BatchRenorm*> renorms;
  for (int layer = 0; layer < 2; ++layer) {
    norms.push_back(&plain.add<nn::BatchNorm>(3));
    renorms.push_back(&renormalised.add<nn::BatchRenorm>(3));
    renorms.back()->running_deviation.mutable_value().fill(50);
    renorms.back()->num_batches_tracked.mutable_value().fill(6000);
  }
  const double limit = renorms[0]->r_max();
  recalibrate_batch_norm(plain, batches, 6);
  recalibrate_batch_norm(renormalised, batches, 6);
  for (std::size_t i = 0; i < 2; ++i) {
    for (Index c = 0; c < 3; ++c) {
      EXPECT_NEAR(renorms[i]->running_mean.value().at({c}), norms[i]->running_mean.value().at({c}), 5e-7);
      EXPECT_NEAR(renorms[i]->running_deviation.value().at({c}),
                  std::sqrt(norms[i]->running_var.value().at({c}) + 1e-5), 5e-7);
    }
    EXPECT_EQ(renorms[i]->num_batches_tracked.item(), 6000);
  }
  EXPECT_EQ(renorms[0]->r_max(), limit);
  // As before in training and in evaluation.
  nn::Context evaluation(nn::Mode::evaluation), training(nn::Mode::training);
  const Variable x(random_tensor({4, 3}, 9, DType::float32));
  const Tensor y = renormalised(x, evaluation).value(), expected = plain(x, evaluation).value();
  for (Index i = 0; i < y.numel(); ++i) EXPECT_NEAR(y.data<float>()[i], expected.data<float>()[i], 2e-6);
  renormalised(x, training);
  EXPECT_EQ(renorms[0]->num_batches_tracked.item(), 6001);
}

// Means of both moments: the statistics of all rows together.
TEST(RecalibrateBatchNorm, FindsForFullNormTheStatisticsOfAllRows) {
  const auto batches = real_batches(20, 3, 5);
  nn::Sequential model;
  nn::FullNorm& norm = model.add<nn::FullNorm>(3);
  nn::BatchNorm& behind = model.add<nn::BatchNorm>(3);
  norm.running_var.mutable_value().fill(50);
  norm.mean_gradient.mutable_value().fill(7);
  recalibrate_batch_norm(model, batches, 4);
  const Tensor all = batches.in_order(20).batch(0, 0).inputs.to(DType::float64);
  for (Index c = 0; c < 3; ++c) {
    double mean = 0, variance = 0;
    for (Index r = 0; r < 20; ++r) mean += all.at({r, c}) / 20;
    for (Index r = 0; r < 20; ++r) variance += (all.at({r, c}) - mean) * (all.at({r, c}) - mean) / 20;
    EXPECT_NEAR(norm.running_mean.value().at({c}), mean, 1e-6);
    EXPECT_NEAR(norm.running_var.value().at({c}), variance, 1e-6);
    EXPECT_EQ(norm.mean_gradient.value().at({c}), 7);
    // It normalises by each batch's own, meanwhile.
    EXPECT_NEAR(behind.running_mean.value().at({c}), 0, 1e-6);
    EXPECT_NEAR(behind.running_var.value().at({c}), 5.0 / 4, 1e-3);
  }
  // Not recalibrating any more: one row is no error.
  nn::Context evaluation(nn::Mode::evaluation);
  norm(Variable(Tensor::zeros({1, 3})), evaluation);
}

TEST(RecalibrateBatchNorm, PutsBackWhatEveryLayerHadIfItFails) {
  std::vector<std::int32_t> labels(12, 0);
  Tensor inputs = random_tensor({12, 6}, 5, DType::float32);
  inputs.data<float>()[7] = std::nanf("");
  const data::Batches batches(std::make_shared<RealDataset>(inputs, Tensor::from({12}, labels), 2),
                              {.batch_size = 4});
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Reshape>(Shape{3, 2});
  model.add<nn::GRU>(2, 3, rng, nn::RecurrentOptions{.norm = nn::RecurrentNorm::batch, .timesteps = 3});
  model.add<nn::MeanOnlyBatchNorm>(3);
  model.add<nn::BatchRenorm>(3);
  model.add<nn::FullNorm>(3);
  const std::vector<double> before = state_of(model);
  EXPECT_EQ(
      message_of<Error>([&] { recalibrate_batch_norm(model, batches, 3); }),
      "[recalibrate_batch_norm] layer 1.norm_ih (timestep_batch_norm): its new statistics are not finite");
  EXPECT_EQ(state_of(model), before);
}

TEST(RecalibrateBatchNorm, LeavesLayersOfOtherKindsAloneAndNamesThem) {
  const data::Batches batches = real_batches(8, 3, 4);
  nn::Sequential model;
  nn::BatchLayerNorm& other = model.add<nn::BatchLayerNorm>(Shape{3});
  model.add<nn::NoisyBatchNorm>(3);
  EXPECT_EQ(statistics_left_alone(model), (std::vector<std::string>{"layer 0 (batch_layer_norm)"}));
  recalibrate_batch_norm(model, batches, 2);
  EXPECT_EQ(other.num_batches_tracked.item(), 0);
  const auto& noisy = dynamic_cast<const nn::NoisyBatchNorm&>(*model.children().at(1).module);
  EXPECT_EQ(noisy.norm->num_batches_tracked.item(), 2);

  nn::Sequential without;
  without.add<nn::BatchLayerNorm>(Shape{3});
  EXPECT_EQ(
      message_of<ValueError>([&] { recalibrate_batch_norm(without, batches, 1); }),
      "[recalibrate_batch_norm] expected a model that has running statistics to estimate anew (those of "
      "BatchNorm, BatchRenorm or FullNorm, not frozen), found none (left alone: layer 0 (batch_layer_norm))");
}

}  // namespace
}  // namespace keel::train
