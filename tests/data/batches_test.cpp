#include "keel/data/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "data/support.h"
#include "keel/core/error.h"
#include "keel/core/rng.h"

namespace keel::data {
namespace {

using testing::counting_dataset;
using testing::examples_of;
using testing::message_of;

std::vector<int> examples_of_epoch(const Batches& batches, Index epoch) {
  std::vector<int> all;
  for (Index i = 0; i < batches.count(); ++i) {
    const std::vector<int> some = examples_of(batches.batch(epoch, i));
    EXPECT_EQ(static_cast<Index>(some.size()), batches.size_of(i));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<int> zero_to(int n) {
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(Batches, CutTheDataInOrder) {
  const Batches batches(counting_dataset(10), {.batch_size = 4});
  EXPECT_EQ(batches.count(), 3);
  EXPECT_EQ(batches.size_of_last(), 2);
  EXPECT_EQ(batches.examples(), 10);
  EXPECT_EQ(examples_of(batches.batch(0, 1)), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(examples_of(batches.batch(0, 2)), (std::vector<int>{8, 9}));
  EXPECT_EQ(examples_of_epoch(batches, 3), zero_to(10));
}

TEST(Batches, GiveLabelsWithTheirImages) {
  const Batches batches(counting_dataset(10), {.batch_size = 4, .shuffle = true, .seed = 5});
  const Batch batch = batches.batch(0, 1);
  const std::vector<int> examples = examples_of(batch);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    EXPECT_EQ(batch.labels.values<std::int32_t>()[i], examples[i] % 3);
  }
}

TEST(Batches, DropTheLastIfTold) {
  const Batches dropped(counting_dataset(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(dropped.count(), 2);
  EXPECT_EQ(dropped.size_of_last(), 4);
  EXPECT_EQ(dropped.examples(), 8);
  EXPECT_EQ(examples_of_epoch(dropped, 0), zero_to(8));
  const Batches whole(counting_dataset(12), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(whole.count(), 3);
  EXPECT_EQ(whole.examples(), 12);
}

TEST(Batches, OfTheWholeDataIsOneBatch) {
  const Batches batches(counting_dataset(10), {.batch_size = 10});
  EXPECT_EQ(batches.count(), 1);
  EXPECT_EQ(batches.size_of_last(), 10);
}

TEST(Batches, ShuffleOncePerEpochWithEveryExample) {
  const Batches batches(counting_dataset(40), {.batch_size = 7, .shuffle = true, .seed = 11});
  const std::vector<int> first = examples_of_epoch(batches, 0);
  const std::vector<int> second = examples_of_epoch(batches, 1);
  EXPECT_NE(first, zero_to(40));
  EXPECT_NE(first, second);
  for (std::vector<int> epoch : {first, second}) {
    std::sort(epoch.begin(), epoch.end());
    EXPECT_EQ(epoch, zero_to(40));
  }
}

TEST(Batches, AreAFunctionOfSeedAndEpochAlone) {
  const BatchOptions options{.batch_size = 7, .shuffle = true, .seed = 11};
  const Batches asked_before(counting_dataset(40), options);
  const std::vector<int> first = examples_of_epoch(asked_before, 0);
  const std::vector<int> third = examples_of_epoch(asked_before, 2);
  EXPECT_EQ(examples_of_epoch(asked_before, 0), first);
  EXPECT_EQ(examples_of_epoch(Batches(counting_dataset(40), options), 2), third);
  EXPECT_NE(
      examples_of_epoch(Batches(counting_dataset(40), {.batch_size = 7, .shuffle = true, .seed = 12}), 2),
      third);
}

TEST(Batches, ShuffleByTheDocumentedStream) {
  const Batches batches(counting_dataset(40), {.batch_size = 7, .shuffle = true, .seed = 11});
  std::vector<std::int32_t> expected(40);
  std::iota(expected.begin(), expected.end(), 0);
  Rng(11, Stream::shuffle).substream(3).shuffle(expected);
  EXPECT_EQ(batches.order(3), expected);
}

TEST(Batches, RefuseABatchSizeThatDataCannotFill) {
  const auto message = [](Index batch_size) {
    return message_of<ValueError>([&] { Batches(counting_dataset(10), {.batch_size = batch_size}); });
  };
  const std::string expected =
      "[batches] a batch size between 1 and the 10 examples of the data expected, found ";
  EXPECT_EQ(message(0), expected + "0");
  EXPECT_EQ(message(-3), expected + "-3");
  EXPECT_EQ(message(11), expected + "11");
}

TEST(Batches, RefuseBatchesAndEpochsThatDoNotExist) {
  const Batches batches(counting_dataset(10), {.batch_size = 4});
  EXPECT_EQ(message_of<ValueError>([&] { batches.batch(0, 3); }),
            "[batches] a batch between 0 and 2 expected, found 3");
  EXPECT_EQ(message_of<ValueError>([&] { batches.size_of(-1); }),
            "[batches] a batch between 0 and 2 expected, found -1");
  EXPECT_EQ(message_of<ValueError>([&] { batches.batch(-1, 0); }),
            "[batches] an epoch of 0 or more expected, found -1");
}

TEST(Batches, InOrderAreTheWholeDataset) {
  const auto dataset = counting_dataset(11);
  const Batches shuffled(dataset, {.batch_size = 4, .shuffle = true, .drop_last = true, .seed = 3});
  const Batches in_order = shuffled.in_order(6);
  EXPECT_EQ(in_order.count(), 2);
  EXPECT_EQ(examples_of(in_order.batch(5, 0)), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(examples_of(in_order.batch(5, 1)), (std::vector<int>{6, 7, 8, 9, 10}));
  EXPECT_EQ(shuffled.in_order(12).count(), 1);
}

}  // namespace
}  // namespace keel::data
