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

TEST(DidYouMean, SaysNothingOfNamesThatAreFarAway) {
  EXPECT_EQ(did_you_mean("xyz", {"conv", "dab"}), "");
  EXPECT_EQ(did_you_mean("transformer", {"resnet20", "cnn"}), "");
  EXPECT_EQ(did_you_mean("dense", {}), "");
  EXPECT_EQ(did_you_mean(std::string(1000000, 'd'), {"dense"}), "");
  EXPECT_EQ(did_you_mean("", {"dense"}), "");
}

}  // namespace
}  // namespace keel
