// Training with penalties and constraints of parameters.
#include <gtest/gtest.h>

#include <cmath>

#include "keel/ops/arithmetic.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "keel/train/fit.h"
#include "keel/train/non_finite.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::banded_images;
using testing::small_mlp;
using testing::state_of;

const data::Batches kTraining(banded_images(26), {.batch_size = 8, .shuffle = true, .seed = 3});
const data::Batches kValidation(banded_images(17, 2), {.batch_size = 5});

std::shared_ptr<nn::Sequential> ruled_mlp() {
  auto model = small_mlp({.batch_norm = true, .dropout = 0.4});
  model->regularize("1.weight", nn::l1_l2(1e-4, 1e-3));
  model->constrain("1.weight", nn::max_norm(0.5));
  return model;
}

// Keeps where the run stands.
struct Watch final : Callback {
  void on_state(const FitState& state, Moment) override { last = state; }
  FitState last;
};

TEST(ParameterRules, OfFitAreThoseOfALoopWrittenOut) {
  const auto fitted = ruled_mlp(), written = ruled_mlp();
  optim::Adam adam(fitted->named_parameters()), by_hand(written->named_parameters());
  const FitResult result =
      fit(*fitted, adam, kTraining, kValidation, {.epochs = 2, .schedule = optim::constant(0.01), .seed = 7});
  double losses = 0;
  for (Index step = 0; step < 2 * kTraining.count(); ++step) {
    const Index epoch = 1 + step / kTraining.count();
    const data::Batch batch = kTraining.batch(epoch, step % kTraining.count());
    nn::Context context(nn::Mode::training,
                        Rng(7, Stream::dropout).substream(static_cast<std::uint64_t>(step)));
    const Variable loss = softmax_cross_entropy((*written)(Variable(batch.inputs), context), batch.labels);
    by_hand.clear_grad();
    (loss + written->penalty()).backward();
    by_hand.step(0.01);
    written->apply_constraints();
    if (epoch == 2) losses += loss.item() * static_cast<double>(batch.labels.numel());
  }
  EXPECT_EQ(state_of(*fitted), state_of(*written));
  EXPECT_NEAR(result.log.back().train_loss, losses / 26, 1e-12) << "the log has the cross-entropy alone";
  // The limit holds, and is met.
  double most = 0;
  const Tensor w = fitted->named_parameters()[0].variable.value();
  ASSERT_EQ(fitted->named_parameters()[0].name, "1.weight");
  for (Index unit = 0; unit < w.size(1); ++unit) {
    double squares = 0;
    for (Index i = 0; i < w.size(0); ++i) squares += std::pow(w.at({i, unit}), 2);
    most = std::max(most, std::sqrt(squares));
  }
  EXPECT_NEAR(most, 0.5, 1e-6);
}

TEST(ParameterRules, PenaltyL2IsTwiceAsMuchWeightDecayOfSgd) {
  const auto penalised = small_mlp(), decayed = small_mlp();
  for (const auto& [name, variable] : penalised->named_parameters()) {
    penalised->regularize(name, nn::l2(0.05));
  }
  optim::Sgd with_penalty(penalised->named_parameters()),
      with_decay(decayed->named_parameters(), {.weight_decay = 0.1});
  const FitOptions options{.epochs = 2, .schedule = optim::constant(0.1)};
  fit(*penalised, with_penalty, kTraining, kValidation, options);
  fit(*decayed, with_decay, kTraining, kValidation, options);
  const std::vector<double> a = state_of(*penalised), b = state_of(*decayed);
  const std::vector<double> start = state_of(*small_mlp());
  double moved = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], 1e-6) << i;
    moved = std::max(moved, std::abs(a[i] - start[i]));
  }
  EXPECT_GT(moved, 0.01);
}

TEST(ParameterRules, AResumedRunIsTheStraightOneBitForBit) {
  const auto straight = ruled_mlp(), resumed = ruled_mlp();
  optim::Adam straight_adam(straight->named_parameters()), resumed_adam(resumed->named_parameters());
  fit(*straight, straight_adam, kTraining, kValidation, {.epochs = 2, .seed = 7});
  const auto watch = std::make_shared<Watch>();
  Index asked = 18;  // in the middle of the first epoch: evaluations ask too
  FitOptions options{.epochs = 2, .seed = 7};
  options.interrupted = [&] { return asked-- == 0; };
  EXPECT_EQ(fit(*resumed, resumed_adam, kTraining, kValidation, options, {watch}).ending,
            Ending::interrupted);
  EXPECT_GT(watch->last.step, 0);
  EXPECT_LT(watch->last.step, 2 * kTraining.count());
  fit(*resumed, resumed_adam, kTraining, kValidation, {.epochs = 2, .seed = 7, .start = watch->last});
  EXPECT_EQ(state_of(*resumed), state_of(*straight));
}

TEST(ParameterRules, APenaltyThatIsNotFiniteEndsTheRun) {
  const auto model = small_mlp();
  model->regularize("1.weight", nn::l2(1e300));
  optim::Adam adam(model->named_parameters());
  EXPECT_EQ(message_of<NonFiniteLoss>([&] { fit(*model, adam, kTraining, kValidation, {.epochs = 1}); }),
            "the penalty of the regularizers is inf at step 1 (epoch 1)");
}

}  // namespace
}  // namespace keel::train
