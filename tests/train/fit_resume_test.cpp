// A run that is interrupted anywhere and goes on is the run that was not.
#include <gtest/gtest.h>

#include "keel/optim/adam.h"
#include "keel/train/fit.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::banded_images;
using testing::small_mlp;
using testing::state_of;

constexpr Index kEpochs = 2, kBatches = 4;  // 26 examples in batches of 8

// What fit() works on, and the state it showed last.
class Training final : public Callback {
 public:
  void on_state(const FitState& state, Moment moment) override {
    state_ = state;
    moments.push_back(moment);
  }

  // As far as `asked` questions whether to stop are answered with no; -1: to the end.
  FitResult go_on(Index asked = -1) {
    FitOptions options = {.epochs = epochs, .seed = 7, .start = state_};
    options.early_stopping = early_stopping;
    options.interrupted = [&] { return asked-- == 0; };
    // Not owned: this object outlives the call.
    const std::shared_ptr<Callback> self(std::shared_ptr<Callback>(), this);
    return fit(*model, optimizer, training, validation, options, {self});
  }
  const FitState& state() const { return state_; }

  std::shared_ptr<nn::Sequential> model = small_mlp({.batch_norm = true, .dropout = 0.4});
  optim::Adam optimizer{model->named_parameters()};
  data::Batches training{banded_images(26), {.batch_size = 8, .shuffle = true, .seed = 3}};
  data::Batches validation{banded_images(17, 2), {.batch_size = 5}};
  EarlyStopping early_stopping;
  Index epochs = kEpochs;
  std::vector<Moment> moments;

 private:
  FitState state_;
};

void expect_same_log(const std::vector<EpochRecord>& a, const std::vector<EpochRecord>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(a[i].epoch, b[i].epoch);
    EXPECT_EQ(a[i].step, b[i].step);
    EXPECT_EQ(a[i].train_loss, b[i].train_loss);
    EXPECT_EQ(a[i].train_accuracy, b[i].train_accuracy);
    EXPECT_EQ(a[i].val_loss, b[i].val_loss);
    EXPECT_EQ(a[i].val_accuracy, b[i].val_accuracy);
    EXPECT_EQ(a[i].learning_rate, b[i].learning_rate);
  }
}

TEST(FitResume, GoesOnFromAnywhereBitForBit) {
  Training straight;
  const FitResult expected = straight.go_on();
  EXPECT_EQ(expected.ending, Ending::finished);
  // Every question there is: before each step, before each batch of an evaluation.
  Index interruptions = 0;
  for (;; ++interruptions) {
    SCOPED_TRACE(interruptions);
    Training run;
    const FitResult part = run.go_on(interruptions);
    if (part.ending == Ending::finished) break;
    EXPECT_EQ(part.ending, Ending::interrupted);
    EXPECT_EQ(run.moments.back(), Moment::end);
    EXPECT_EQ(part.log.size(), run.state().log.size());
    const FitResult rest = run.go_on();
    EXPECT_EQ(rest.ending, Ending::finished);
    expect_same_log(rest.log, expected.log);
    EXPECT_EQ(state_of(*run.model), state_of(*straight.model));
  }
  // 4 steps an epoch, 4 batches of validation for each row, and 6 of the training set for the first.
  EXPECT_EQ(interruptions, kEpochs * kBatches + (kEpochs + 1) * 4 + 6);
}

TEST(FitResume, StopsAgainAndAgain) {
  Training straight;
  const FitResult expected = straight.go_on();
  Training run;
  FitResult part;
  do part = run.go_on(11);  // the evaluations before training ask ten times, and start anew if interrupted
  while (part.ending == Ending::interrupted);
  expect_same_log(part.log, expected.log);
  EXPECT_EQ(state_of(*run.model), state_of(*straight.model));
}

TEST(FitResume, AFinishedRunHasNothingLeftToDo) {
  Training run;
  const FitResult finished = run.go_on();
  const std::vector<double> weights = state_of(*run.model);
  run.moments.clear();
  const FitResult again = run.go_on();
  EXPECT_EQ(again.ending, Ending::finished);
  expect_same_log(again.log, finished.log);
  EXPECT_EQ(state_of(*run.model), weights);
  EXPECT_EQ(run.moments, std::vector<Moment>{Moment::end});
}

TEST(FitResume, ShowsItsStateAfterEachStepAndEpoch) {
  Training run;
  run.go_on();
  std::vector<Moment> expected = {Moment::epoch};
  for (Index epoch = 0; epoch < kEpochs; ++epoch) {
    expected.insert(expected.end(), kBatches, Moment::step);
    expected.push_back(Moment::epoch);
  }
  expected.push_back(Moment::end);
  EXPECT_EQ(run.moments, expected);
}

TEST(FitResume, StaysStoppedEarly) {
  Training run;
  run.epochs = 4;
  run.early_stopping = {.patience = 1, .min_delta = 1e3};  // no later loss is so much better
  EXPECT_EQ(run.go_on().ending, Ending::stopped_early);
  EXPECT_EQ(run.state().log.back().epoch, 2);
  EXPECT_EQ(run.go_on().ending, Ending::stopped_early);
  EXPECT_EQ(run.state().log.back().epoch, 2);
  run.early_stopping = {};
  EXPECT_EQ(run.go_on().ending, Ending::finished);
}

TEST(FitResume, RefusesAStateOfAnotherRun) {
  Training run;
  FitState state = {.epoch = 1, .batch = 5, .step = 5, .log = {EpochRecord()}};
  const auto start_from = [&] {
    fit(*run.model, run.optimizer, run.training, run.validation, {.epochs = 2, .start = state});
  };
  EXPECT_EQ(message_of<ValueError>(start_from),
            "[fit] a run that stands at epoch 1, batch 5, step 5 is none over epochs of 4 batches");
  state = {.epoch = 2, .batch = 1, .step = 5, .log = {EpochRecord()}};
  EXPECT_EQ(message_of<ValueError>(start_from),
            "[fit] a run that stands at epoch 2 has as many rows in its log, found 1");
}

}  // namespace
}  // namespace keel::train
