#include "keel/train/choose_population.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/dense.h"
#include "keel/nn/flatten.h"
#include "keel/nn/sequential.h"
#include "keel/train/non_finite.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using nn::BatchLayerNorm;
using nn::BatchLayerNormPopulation;
using testing::banded_images;

class ChoosePopulation : public ::testing::Test {
 protected:
  ChoosePopulation() {
    Rng rng(1, Stream::initialization);
    model_.add<nn::Flatten>();
    model_.add<nn::Dense>(240, 8, rng);
    first_ = &model_.add<BatchLayerNorm>(Shape{8});
    second_ = &model_.add<BatchLayerNorm>(Shape{8});
    model_.add<nn::Dense>(8, 3, rng);
    nn::Context context(nn::Mode::training);
    model_.forward(Variable(validation_.batch(0, 0).inputs), context);
  }

  nn::Sequential model_;
  BatchLayerNorm *first_ = nullptr, *second_ = nullptr;
  const data::Batches validation_{banded_images(48), {.batch_size = 16}};
};

TEST_F(ChoosePopulation, LeavesTheModelWithTheBestOfAll) {
  const PopulationChoice choice = choose_population(model_, validation_);
  EXPECT_TRUE(first_->used_population() == choice.population);
  EXPECT_TRUE(second_->used_population() == choice.population);
  EXPECT_EQ(evaluate(model_, validation_).loss(), choice.validation.loss());
  for (int bits = 0; bits < 16; ++bits) {
    const BatchLayerNormPopulation each{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    first_->use_population(each);
    second_->use_population(each);
    const Metrics found = evaluate(model_, validation_);
    EXPECT_LE(found.correct(), choice.validation.correct());
    if (found.correct() == choice.validation.correct()) {
      EXPECT_GE(found.loss_sum(), choice.validation.loss_sum());
    }
  }
}

TEST_F(ChoosePopulation, PassesOverWhatIsNotFinite) {
  first_->running_batch_mean.mutable_value().fill(HUGE_VAL);
  EXPECT_FALSE(choose_population(model_, validation_).population.batch_mean);
}

TEST_F(ChoosePopulation, ThatFailsLeavesTheModelAlone) {
  constexpr BatchLayerNormPopulation kOther{false, true, true, false};
  first_->use_population(kOther);
  Index asked = 0;
  EXPECT_THROW(choose_population(model_, validation_, [&] { return ++asked == 20; }), Interrupted);
  EXPECT_TRUE(first_->used_population() == kOther);
  EXPECT_TRUE(second_->used_population() == BatchLayerNormPopulation());
  first_->weight.mutable_value().fill(std::nan(""));
  EXPECT_THROW(choose_population(model_, validation_), NonFiniteLoss);
  EXPECT_TRUE(first_->used_population() == kOther);
  nn::Sequential without;
  EXPECT_EQ(message_of<ValueError>([&] { choose_population(without, validation_); }),
            "[choose_population] expected a model with a BatchLayerNorm, found none");
}

}  // namespace
}  // namespace keel::train
