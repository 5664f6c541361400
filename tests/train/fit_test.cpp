// The training loop against the same steps written out by hand, and what it promises about reproducibility.
#include "keel/train/fit.h"

#include <gtest/gtest.h>

#include "keel/ops/arithmetic.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "keel/train/metrics.h"
#include "support/errors.h"
#include "support/threads.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::banded_images;
using testing::small_cnn;
using testing::small_mlp;
using testing::state_of;

data::Batches shuffled(Index examples, Index batch_size, std::uint64_t seed = 3) {
  return data::Batches(banded_images(examples), {.batch_size = batch_size, .shuffle = true, .seed = seed});
}

data::Batches validation_batches() { return data::Batches(banded_images(17, 2), {.batch_size = 5}); }

struct Result {
  std::vector<EpochRecord> log;
  std::vector<double> state;  // of the trained model
};

struct Recipe {
  std::uint64_t init_seed = 1, shuffle_seed = 3, dropout_seed = 7;
  Index examples = 26, batch_size = 8;
  bool cnn = false;
};

// Two epochs of a model with everything that draws numbers or keeps statistics.
Result train(const Recipe& recipe) {
  const nn::ClassifierOptions options{.batch_norm = true, .dropout = 0.4};
  const auto model = recipe.cnn ? small_cnn(options, recipe.init_seed) : small_mlp(options, recipe.init_seed);
  optim::Adam optimizer(model->named_parameters());
  const auto log = fit(*model, optimizer, shuffled(recipe.examples, recipe.batch_size, recipe.shuffle_seed),
                       validation_batches(), {.epochs = 2, .seed = recipe.dropout_seed})
                       .log;
  return {log, state_of(*model)};
}

// Everything but the seconds, bit for bit.
void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.state, b.state);
  ASSERT_EQ(a.log.size(), b.log.size());
  for (std::size_t i = 0; i < a.log.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(a.log[i].epoch, b.log[i].epoch);
    EXPECT_EQ(a.log[i].step, b.log[i].step);
    EXPECT_EQ(a.log[i].train_loss, b.log[i].train_loss);
    EXPECT_EQ(a.log[i].train_accuracy, b.log[i].train_accuracy);
    EXPECT_EQ(a.log[i].val_loss, b.log[i].val_loss);
    EXPECT_EQ(a.log[i].val_accuracy, b.log[i].val_accuracy);
    EXPECT_EQ(a.log[i].learning_rate, b.log[i].learning_rate);
  }
}

TEST(Fit, LearnsToTellImagesApart) {
  for (const bool batch_norm : {false, true}) {
    SCOPED_TRACE(batch_norm);
    const auto model = small_mlp({.batch_norm = batch_norm});
    optim::Adam optimizer(model->named_parameters());
    const auto log = fit(*model, optimizer, shuffled(60, 8), validation_batches(), {.epochs = 4}).log;
    // Guessing among three classes costs log 3 = 1.1.
    EXPECT_GT(log.front().train_loss, 0.8);
    for (std::size_t i = 1; i < log.size(); ++i) EXPECT_LT(log[i].train_loss, log[i - 1].train_loss);
    EXPECT_LT(log.back().train_loss, 0.1);
    EXPECT_EQ(log.back().train_accuracy, 1);
    EXPECT_LT(log.back().val_loss, 0.3);
    EXPECT_EQ(log.back().val_accuracy, 1);
  }
}

TEST(Fit, RowZeroIsTheUntouchedModelInEvaluationMode) {
  const auto model = small_mlp({.batch_norm = true, .dropout = 0.5});
  const auto untouched = model->clone();
  const data::Batches training(banded_images(26), {.batch_size = 8, .shuffle = true, .drop_last = true});
  const data::Batches validation = validation_batches();
  optim::Adam optimizer(model->named_parameters());
  const optim::Schedule schedule = [](Index step) { return 0.01 / static_cast<double>(step + 1); };
  const auto log = fit(*model, optimizer, training, validation, {.epochs = 1, .schedule = schedule}).log;

  // All of the training set, also what an epoch leaves out.
  const Metrics on_training = evaluate(*untouched, training.in_order(validation.options().batch_size));
  const Metrics on_validation = evaluate(*untouched, validation);
  EXPECT_EQ(log[0].epoch, 0);
  EXPECT_EQ(log[0].step, 0);
  EXPECT_EQ(log[0].train_loss, on_training.loss());
  EXPECT_EQ(log[0].train_accuracy, on_training.accuracy());
  EXPECT_EQ(log[0].val_loss, on_validation.loss());
  EXPECT_EQ(log[0].val_accuracy, on_validation.accuracy());
  EXPECT_EQ(log[0].learning_rate, 0.01);
}

TEST(Fit, CountsStepsAndLogsTheRateOfTheLastOne) {
  const auto model = small_mlp();
  optim::Adam optimizer(model->named_parameters());
  const optim::Schedule schedule = [](Index step) { return 0.01 / static_cast<double>(step + 1); };
  // 26 examples in batches of 8: 4 steps an epoch.
  const auto log =
      fit(*model, optimizer, shuffled(26, 8), validation_batches(), {.epochs = 3, .schedule = schedule}).log;
  ASSERT_EQ(log.size(), 4U);
  for (std::size_t i = 0; i < log.size(); ++i) {
    SCOPED_TRACE(i);
    const auto epoch = static_cast<Index>(i);
    EXPECT_EQ(log[i].epoch, epoch);
    EXPECT_EQ(log[i].step, 4 * epoch);
    EXPECT_EQ(log[i].learning_rate, schedule(epoch == 0 ? 0 : 4 * epoch - 1));
    EXPECT_GT(log[i].seconds, 0);
  }
  EXPECT_EQ(optimizer.step_count(), 12);
}

// What an epoch is, one step after the other; batches of 8, 8, 8 and 2 weigh as much as they hold.
TEST(Fit, DoesWhatTheStepsByHandDo) {
  const nn::ClassifierOptions options{.batch_norm = true, .dropout = 0.4};
  const auto by_fit = small_mlp(options), by_hand = small_mlp(options);
  const data::Batches training = shuffled(26, 8), validation = validation_batches();
  optim::Adam fit_optimizer(by_fit->named_parameters()), hand_optimizer(by_hand->named_parameters());
  const auto log = fit(*by_fit, fit_optimizer, training, validation, {.epochs = 2, .seed = 7}).log;

  std::uint64_t step = 0;
  for (const Index epoch : {1, 2}) {
    double loss_sum = 0;
    double correct = 0;
    for (Index i = 0; i < training.count(); ++i, ++step) {
      const data::Batch batch = training.batch(epoch, i);
      nn::Context context(nn::Mode::training, Rng(7, Stream::dropout).substream(step));
      const Variable logits = by_hand->forward(Variable(batch.inputs), context);
      const Variable loss = softmax_cross_entropy(logits, batch.labels);
      loss.backward();
      hand_optimizer.step(1e-3);
      hand_optimizer.clear_grad();
      for (Index row = 0; row < batch.labels.numel(); ++row) {
        Index largest = 0;
        for (const Index k : {1, 2}) {
          if (logits.value().at({row, k}) > logits.value().at({row, largest})) largest = k;
        }
        correct += largest == batch.labels.data<std::int32_t>()[row] ? 1 : 0;
      }
      loss_sum += loss.item() * static_cast<double>(batch.labels.numel());
    }
    const EpochRecord& record = log[static_cast<std::size_t>(epoch)];
    EXPECT_EQ(record.train_loss, loss_sum / 26);
    EXPECT_EQ(record.train_accuracy, correct / 26);
    EXPECT_EQ(record.val_loss, evaluate(*by_hand, validation).loss());
  }
  EXPECT_EQ(state_of(*by_fit), state_of(*by_hand));
}

TEST(Fit, SameBitsWhenRepeated) {
  expect_same(train({}), train({}));
  expect_same(train({.cnn = true}), train({.cnn = true}));
}

// Large enough that products and convolutions are cut into pieces for several threads.
TEST(Fit, SameBitsForAnyNumberOfThreads) {
  for (const bool cnn : {false, true}) {
    SCOPED_TRACE(cnn);
    const Recipe recipe{.examples = cnn ? 50 : 420, .batch_size = cnn ? 24 : 200, .cnn = cnn};
    const Result one = keel::testing::with_one_thread([&] { return train(recipe); });
    const Result three = keel::testing::with_three_threads([&] { return train(recipe); });
    expect_same(one, three);
  }
}

TEST(Fit, EverySeedMatters) {
  const Result base = train({});
  for (const Recipe& other :
       {Recipe{.init_seed = 11}, Recipe{.shuffle_seed = 11}, Recipe{.dropout_seed = 11}}) {
    EXPECT_NE(train(other).log.back().train_loss, base.log.back().train_loss);
  }
  // Only initial weights are drawn before row 0.
  EXPECT_NE(train({.init_seed = 11}).log[0].val_loss, base.log[0].val_loss);
  EXPECT_EQ(train({.shuffle_seed = 11}).log[0].val_loss, base.log[0].val_loss);
  EXPECT_EQ(train({.dropout_seed = 11}).log[0].val_loss, base.log[0].val_loss);
}

// Writes down which examples are asked for.
class Witness final : public data::Dataset {
 public:
  explicit Witness(data::DatasetPtr dataset) : dataset_(std::move(dataset)) {}
  Index size() const override { return dataset_->size(); }
  Shape example_shape() const override { return dataset_->example_shape(); }
  Index num_classes() const override { return dataset_->num_classes(); }
  data::Batch gather(std::span<const std::int32_t> indices) const override {
    asked.emplace_back(indices.begin(), indices.end());
    return dataset_->gather(indices);
  }
  std::string description() const override { return dataset_->description(); }
  std::string fingerprint() const override { return dataset_->fingerprint(); }

  mutable std::vector<std::vector<std::int32_t>> asked;

 private:
  data::DatasetPtr dataset_;
};

TEST(Fit, ModelsWithAndWithoutNormSeeTheSameBatches) {
  const auto batches_seen_by = [](const nn::ClassifierOptions& options) {
    const auto witness = std::make_shared<Witness>(banded_images(26));
    const data::Batches training(witness, {.batch_size = 8, .shuffle = true, .seed = 3});
    const auto model = small_mlp(options);
    optim::Adam optimizer(model->named_parameters());
    fit(*model, optimizer, training, validation_batches(), {.epochs = 2});
    return witness->asked;
  };
  const auto seen = batches_seen_by({});
  EXPECT_EQ(seen, batches_seen_by({.batch_norm = true, .dropout = 0.3}));
  // The last four are the second epoch, in an order of its own.
  ASSERT_GE(seen.size(), 8U);
  EXPECT_NE(std::vector(seen.end() - 4, seen.end()), std::vector(seen.end() - 8, seen.end() - 4));
}

class Recorder final : public Callback {
 public:
  void on_step(const StepRecord& r) override {
    events.push_back(fmt::format("step {}:{}/{} {}", r.epoch, r.batch, r.batches, r.examples));
    last_mean_loss = r.mean_loss;
  }
  void on_epoch(const EpochRecord& r) override {
    events.push_back(fmt::format("epoch {} {}", r.epoch, r.step));
    if (r.epoch == 0) return;
    EXPECT_EQ(last_mean_loss, r.train_loss);
  }
  std::vector<std::string> events;
  double last_mean_loss = 0;
};

TEST(Fit, TellsCallbacksOfEveryStepAndEpoch) {
  const auto model = small_mlp();
  optim::Adam optimizer(model->named_parameters());
  const auto recorder = std::make_shared<Recorder>();
  fit(*model, optimizer, shuffled(13, 8), validation_batches(), {.epochs = 2}, {recorder});
  EXPECT_EQ(recorder->events,
            (std::vector<std::string>{"epoch 0 0", "step 1:1/2 8", "step 1:2/2 13", "epoch 1 2",
                                      "step 2:1/2 8", "step 2:2/2 13", "epoch 2 4"}));
}

struct WithUnusedParameter final : nn::Layer<WithUnusedParameter> {
  nn::Parameter used = parameter("used", Tensor::ones({1}));
  nn::Parameter unused = parameter("unused", Tensor::ones({2}));
  Variable forward(const Variable& x, nn::Context&) override { return x * used; }
};

TEST(Fit, RefusesAnOptimizerThatDoesNotHaveAllParameters) {
  const auto model = small_mlp();
  auto some = model->named_parameters();
  const std::string left_out = some.back().name;
  some.pop_back();
  optim::Adam optimizer(some);
  EXPECT_EQ(message_of([&] { fit(*model, optimizer, shuffled(13, 8), validation_batches(), {}); }),
            "[fit] these parameters are not in the optimizer and would stay as they are: " + left_out +
                "; if that is meant, set_requires_grad(false)");
  for (auto& named : model->named_parameters()) {
    if (named.name == left_out) named.variable.set_requires_grad(false);
  }
  EXPECT_NO_THROW(fit(*model, optimizer, shuffled(13, 8), validation_batches(), {.epochs = 1}));
}

TEST(Fit, RefusesParametersThatTheLossDoesNotReach) {
  const auto model = small_mlp();
  model->add<WithUnusedParameter>();
  const std::vector<double> before = state_of(*model);
  optim::Adam optimizer(model->named_parameters());
  EXPECT_EQ(message_of([&] { fit(*model, optimizer, shuffled(13, 8), validation_batches(), {}); }),
            "[fit] these parameters get no gradient and would stay as they are: 4.unused");
  EXPECT_EQ(state_of(*model), before);
}

TEST(Fit, RefusesToTrainForNoEpoch) {
  const auto model = small_mlp();
  optim::Adam optimizer(model->named_parameters());
  EXPECT_EQ(message_of<ValueError>(
                [&] { fit(*model, optimizer, shuffled(13, 8), validation_batches(), {.epochs = 0}); }),
            "[fit] expected at least 1 epoch, found 0");
}

}  // namespace
}  // namespace keel::train
