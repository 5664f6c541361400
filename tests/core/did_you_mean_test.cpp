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

TEST(DidYouMeanOneOf, NamesThoseOfSharedWordsNearestFirst) {
  const std::vector<std::string> known = {"layer-norm-for-rnns", "batch-layer-norm", "bn-helps-rnns",
                                          "initialization",      "small-batches",    "non-ideal-batches",
                                          "one-example"};
  EXPECT_EQ(did_you_mean_one_of("rnn", known), ": did you mean 'bn-helps-rnns' or 'layer-norm-for-rnns'?");
  EXPECT_EQ(did_you_mean_one_of("BATCH", known),
            ": did you mean 'small-batches', 'batch-layer-norm' or 'non-ideal-batches'?");
  EXPECT_EQ(did_you_mean_one_of("rnns_layer", known), ": did you mean 'layer-norm-for-rnns'?");
  EXPECT_EQ(did_you_mean_one_of("sensible initialisation", known), ": did you mean 'initialization'?");
  EXPECT_EQ(did_you_mean_one_of("bln", known), ": did you mean 'batch-layer-norm'?");
  EXPECT_EQ(did_you_mean_one_of("runs", known), "");
  EXPECT_EQ(did_you_mean_one_of("bn", known), ": did you mean 'bn-helps-rnns'?");
}

TEST(DidYouMeanOneOf, NamesMisspeltOnesFirst) {
  EXPECT_EQ(did_you_mean_one_of("batches", {"many-small-batches", "bathes", "dense"}),
            ": did you mean 'bathes' or 'many-small-batches'?");
}

TEST(DidYouMeanOneOf, SaysNothingOfNamesThatShareNothing) {
  EXPECT_EQ(did_you_mean_one_of("on", {"one-example"}), "");
  EXPECT_EQ(did_you_mean_one_of("xyz", {"one-example"}), "");
  EXPECT_EQ(did_you_mean_one_of("one", {}), "");
  EXPECT_EQ(did_you_mean_one_of(std::string(1000000, '-'), {"one-example"}), "");
  EXPECT_EQ(did_you_mean_one_of("", {"one-example"}), "");
  EXPECT_EQ(did_you_mean_one_of("--", {"one-example"}), "");
}

}  // namespace
}  // namespace keel
