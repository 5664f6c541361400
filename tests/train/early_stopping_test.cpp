#include "keel/train/early_stopping.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace keel::train {
namespace {

using keel::testing::message_of;

std::vector<EpochRecord> log_of(const std::vector<double>& val_losses) {
  std::vector<EpochRecord> log;
  for (const double loss : val_losses) {
    log.push_back({.epoch = static_cast<Index>(log.size()), .val_loss = loss});
  }
  return log;
}

TEST(EarlyStopping, IsOffByDefault) { EXPECT_FALSE(should_stop({}, log_of({1, 1, 1, 1, 1, 1, 1}))); }

TEST(EarlyStopping, WaitsForAsManyEpochsAsItIsPatient) {
  const EarlyStopping rule = {.patience = 2};
  EXPECT_FALSE(should_stop(rule, log_of({})));
  EXPECT_FALSE(should_stop(rule, log_of({9, 1.0, 1.1})));
  EXPECT_TRUE(should_stop(rule, log_of({9, 1.0, 1.1, 1.0})));
  EXPECT_FALSE(should_stop(rule, log_of({9, 1.0, 1.1, 0.9, 1.1})));
}

TEST(EarlyStopping, ForgetsTheRowFromBeforeTraining) {
  EXPECT_FALSE(should_stop({.patience = 1}, log_of({0.1, 1.0})));
}

TEST(EarlyStopping, ALossIsBetterByMoreThanMinDelta) {
  const EarlyStopping rule = {.patience = 2, .min_delta = 0.25};
  EXPECT_TRUE(should_stop(rule, log_of({9, 1.0, 0.875, 0.75})));
  EXPECT_FALSE(should_stop(rule, log_of({9, 1.0, 0.875, 0.625})));
}

TEST(EarlyStopping, RefusesImpossibleRules) {
  EXPECT_EQ(message_of<ValueError>([] { should_stop({.patience = -1}, {}); }),
            "[early_stopping] patience -1: expected at least 0 epochs");
  EXPECT_EQ(message_of<ValueError>([] { should_stop({.patience = 1, .min_delta = -0.5}, {}); }),
            "[early_stopping] min_delta -0.5: expected a finite number >= 0");
}

}  // namespace
}  // namespace keel::train
