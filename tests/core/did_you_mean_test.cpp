#include "keel/core/did_you_mean.h"

#include <gtest/gtest.h>

namespace keel {
namespace {

TEST(DidYouMean, NamesTheNearest) {
  const std::vector<std::string> known = {"conv2d", "dense", "dropout"};
  EXPECT_EQ(did_you_mean("conv2", known), ": did you mean 'conv2d'?");
  EXPECT_EQ(did_you_mean("Dense", known), ": did you mean 'dense'?");
  EXPECT_EQ(did_you_mean("drop-out", known, "--{}"), ": did you mean --dropout?");
}

TEST(DidYouMean, TakesNoNoticeOfCapitalsAndOfWhatJoinsWords) {
  const std::vector<std::string> known = {"paper-mnist", "batch_norm", "RMS"};
  EXPECT_EQ(did_you_mean("PAPER MNIST", known), ": did you mean 'paper-mnist'?");
  EXPECT_EQ(did_you_mean("Batch-Norm", known), ": did you mean 'batch_norm'?");
  EXPECT_EQ(did_you_mean("rms", known), ": did you mean 'RMS'?");
}

TEST(DidYouMean, SaysNothingOfNamesThatAreFarAway) {
  EXPECT_EQ(did_you_mean("xyz", {"conv", "dab"}), "");
  EXPECT_EQ(did_you_mean("transformer", {"resnet20", "cnn"}), "");
  EXPECT_EQ(did_you_mean("dense", {}), "");
  EXPECT_EQ(did_you_mean(std::string(1000000, 'd'), {"dense"}), "");
  EXPECT_EQ(did_you_mean("", {"dense"}), "");
}

}  // namespace
}  // namespace keel
