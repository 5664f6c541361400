#include "keel/train/confusion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/sequential.h"
#include "keel/train/metrics.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using testing::RealDataset;

Tensor labels_of(const std::vector<std::int32_t>& labels) {
  return Tensor::from({static_cast<Index>(labels.size())}, labels);
}

// Logits whose largest is that of the given class.
Tensor logits_for(const std::vector<std::int32_t>& predicted, Index classes) {
  Tensor logits = Tensor::full({static_cast<Index>(predicted.size()), classes}, -1);
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    logits.data<float>()[static_cast<Index>(i) * classes + predicted[i]] = 0.5;
  }
  return logits;
}

// 4 classes: 0 has 5 examples, 1 has 3, 2 has 2, 3 none; nothing is taken for 2.
ConfusionMatrix example() {
  ConfusionMatrix matrix(4);
  matrix.add(logits_for({0, 0, 0, 1, 3}, 4), labels_of({0, 0, 0, 0, 0}));
  matrix.add(logits_for({1, 1, 0, 1, 1}, 4), labels_of({1, 1, 1, 2, 2}));
  return matrix;
}

TEST(ConfusionMatrix, CountsByClassAndPrediction) {
  const ConfusionMatrix matrix = example();
  EXPECT_EQ(matrix.examples(), 10);
  EXPECT_EQ(matrix.count(0, 0), 3);
  EXPECT_EQ(matrix.count(0, 3), 1);
  EXPECT_EQ(matrix.count(3, 0), 0);
  EXPECT_EQ(matrix.count(2, 1), 2);
  EXPECT_EQ(matrix.support(0), 5);
  EXPECT_EQ(matrix.predictions(0), 4);
  EXPECT_DOUBLE_EQ(matrix.accuracy(), 0.5);
}

// Worked out by hand.
TEST(ConfusionMatrix, HasFiguresOfEachClass) {
  const ConfusionMatrix matrix = example();
  EXPECT_DOUBLE_EQ(matrix.precision(0), 3.0 / 4);
  EXPECT_DOUBLE_EQ(matrix.recall(0), 3.0 / 5);
  EXPECT_DOUBLE_EQ(matrix.f1(0), 2 * 0.75 * 0.6 / (0.75 + 0.6));
  EXPECT_DOUBLE_EQ(matrix.precision(1), 2.0 / 5);
  EXPECT_DOUBLE_EQ(matrix.recall(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(matrix.f1(1), 4.0 / 8);
  EXPECT_TRUE(std::isnan(matrix.precision(2)));
  EXPECT_EQ(matrix.recall(2), 0);
  EXPECT_EQ(matrix.f1(2), 0);
  EXPECT_EQ(matrix.precision(3), 0);
  EXPECT_TRUE(std::isnan(matrix.recall(3)));
  EXPECT_EQ(matrix.f1(3), 0);
  const ConfusionMatrix::Means means = matrix.macro();
  EXPECT_DOUBLE_EQ(means.precision, (0.75 + 0.4 + 0) / 3);
  EXPECT_DOUBLE_EQ(means.recall, (0.6 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(means.f1, (matrix.f1(0) + 0.5 + 0) / 3);
}

TEST(ConfusionMatrix, ListsWhatIsConfusedMost) {
  const std::vector<ConfusionMatrix::Confusion> pairs = example().most_frequent(3);
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].actual, 2);
  EXPECT_EQ(pairs[0].predicted, 1);
  EXPECT_EQ(pairs[0].count, 2);
  EXPECT_EQ(pairs[1].actual, 0);
  EXPECT_EQ(pairs[1].predicted, 1);
  EXPECT_EQ(example().most_frequent(100).size(), 4U);
}

TEST(ConfusionMatrix, IsNotANumberWithoutExamples) {
  const ConfusionMatrix matrix(2);
  EXPECT_TRUE(std::isnan(matrix.accuracy()));
  EXPECT_TRUE(std::isnan(matrix.f1(1)));
  EXPECT_TRUE(std::isnan(matrix.macro().f1));
}

TEST(ConfusionMatrix, RefusesWhatItCannotCount) {
  EXPECT_EQ(message_of<ValueError>([] { ConfusionMatrix(1); }),
            "[confusion_matrix] at least 2 classes expected, found 1");
  ConfusionMatrix matrix(3);
  EXPECT_EQ(message_of<ShapeError>([&] {
              matrix.add(Tensor::zeros({2, 4}), labels_of({0, 0}));
            }),
            "[confusion_matrix] logits [N,3] and labels [N] expected, found [2,4] and [2]");
  EXPECT_EQ(message_of<ValueError>([&] {
              matrix.add(Tensor::zeros({2, 3}), labels_of({0, 3}));
            }),
            "[confusion_matrix] label 3 is outside [0, 3)");
  EXPECT_EQ(matrix.examples(), 0);
}

TEST(ConfusionMatrix, SeesEveryBatchOfAnEvaluation) {
  nn::Sequential identity;
  const auto dataset = std::make_shared<RealDataset>(
      Tensor::from<float>({5, 2}, {0, 1, 1, 0, 0, 2, 3, 0, 4, 0}), labels_of({0, 0, 1, 0, 1}), 2);
  ConfusionMatrix matrix(2);
  const Metrics metrics =
      evaluate(identity, data::Batches(dataset, {.batch_size = 2}), {},
               [&](const Tensor& logits, const Tensor& labels) { matrix.add(logits, labels); });
  EXPECT_EQ(matrix.examples(), 5);
  EXPECT_EQ(matrix.count(0, 1), 1);
  EXPECT_EQ(matrix.count(0, 0), 2);
  EXPECT_EQ(matrix.count(1, 0), 1);
  EXPECT_EQ(matrix.accuracy(), metrics.accuracy());
}

}  // namespace
}  // namespace keel::train
