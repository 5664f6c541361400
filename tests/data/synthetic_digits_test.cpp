#include "keel/data/synthetic_digits.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "data/digit_strokes.h"
#include "data/support.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"

namespace keel::data {
namespace {

using testing::message_of;

constexpr std::size_t kPixels = 28 * 28;

std::span<const std::uint8_t> image(const ImageDataset& dataset, Index i) {
  return dataset.images().values<std::uint8_t>().subspan(static_cast<std::size_t>(i) * kPixels, kPixels);
}

std::int32_t label(const ImageDataset& dataset, Index i) { return dataset.labels().data<std::int32_t>()[i]; }

bool same_image(const ImageDataset& a, Index i, const ImageDataset& b, Index j) {
  return std::equal(image(a, i).begin(), image(a, i).end(), image(b, j).begin());
}

double distance(std::span<const std::uint8_t> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t p = 0; p < kPixels; ++p) sum += (a[p] - b[p]) * (a[p] - b[p]);
  return sum;
}

// The part of the test images that are nearest to a reference of their own class.
double accuracy_of_nearest(const std::vector<std::vector<double>>& references,
                           const std::vector<int>& classes, const ImageDataset& test) {
  int right = 0;
  for (Index i = 0; i < test.size(); ++i) {
    std::size_t best = 0;
    double best_distance = INFINITY;
    for (std::size_t r = 0; r < references.size(); ++r) {
      const double d = distance(image(test, i), references[r]);
      if (d < best_distance) {
        best = r;
        best_distance = d;
      }
    }
    right += classes[best] == label(test, i);
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

TEST(SyntheticDigits, HaveTheShapeOfMnist) {
  const auto digits = synthetic_digits({.count = 7});
  EXPECT_EQ(digits->size(), 7);
  EXPECT_EQ(digits->example_shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(digits->num_classes(), 10);
  EXPECT_EQ(digits->description(), "synthetic digits, training set, 7 examples, seed 0");
  const TrainTest sets = synthetic_digits_sets({.train_count = 5, .test_count = 3, .seed = 4});
  EXPECT_EQ(sets.train->description(), "synthetic digits, training set, 5 examples, seed 4");
  EXPECT_EQ(sets.test->description(), "synthetic digits, test set, 3 examples, seed 4");
}

TEST(SyntheticDigits, AreAFunctionOfSeedPartAndIndex) {
  const auto few = synthetic_digits({.count = 100, .seed = 3});
  const auto many = synthetic_digits({.count = 300, .seed = 3});
  for (Index i = 0; i < few->size(); ++i) {
    EXPECT_TRUE(same_image(*few, i, *many, i)) << i;
    EXPECT_EQ(label(*few, i), label(*many, i)) << i;
  }
  const auto test = synthetic_digits({.count = 100, .seed = 3, .part = SyntheticPart::test});
  const auto other = synthetic_digits({.count = 100, .seed = 4});
  for (Index i = 0; i < few->size(); ++i) {
    EXPECT_FALSE(same_image(*few, i, *test, i)) << i;
    EXPECT_FALSE(same_image(*few, i, *other, i)) << i;
    EXPECT_FALSE(same_image(*few, i, *many, i + 1)) << i;
  }
}

TEST(SyntheticDigits, AreTheSameOnAnyNumberOfThreads) {
  const int threads = num_threads();
  set_num_threads(1);
  const std::string one = synthetic_digits({.count = 1000})->fingerprint();
  set_num_threads(3);
  const std::string three = synthetic_digits({.count = 1000})->fingerprint();
  set_num_threads(threads);
  EXPECT_EQ(one, three);
}

TEST(SyntheticDigits, StayWhatTheyWere) {
  // Results on synthetic digits can be compared only as long as the digits stay the same. Whoever changes how
  // they are drawn means it, and puts the new fingerprint here.
  EXPECT_EQ(synthetic_digits({.count = 1000})->fingerprint(), "0050f0cc");
}

TEST(SyntheticDigits, HaveAboutAsManyOfEachClass) {
  const auto digits = synthetic_digits({.count = 5000});
  std::array<int, 10> counts{};
  for (Index i = 0; i < digits->size(); ++i) ++counts[static_cast<std::size_t>(label(*digits, i))];
  // 500 each; the standard deviation of a count is 21.
  for (const int count : counts) EXPECT_NEAR(count, 500, 5 * 21);
}

TEST(SyntheticDigits, AreInkOnAnEmptyGround) {
  const auto digits = synthetic_digits({.count = 1000});
  double ink = 0;
  double frame = 0;
  for (Index i = 0; i < digits->size(); ++i) {
    const auto pixels = image(*digits, i);
    const double sum = std::accumulate(pixels.begin(), pixels.end(), 0.0) / 255;
    EXPECT_GT(sum, 10) << i;   // less ink than a thin line of 10 pixels is no digit
    EXPECT_LT(sum, 350) << i;  // nor is an image half full
    ink += sum;
    for (std::size_t column = 0; column < 28; ++column) {
      frame +=
          (pixels[column] + pixels[kPixels - 28 + column] + pixels[column * 28] + pixels[column * 28 + 27]) /
          255.0;
    }
  }
  // MNIST has a mean of 0.13 and hardly any ink in its outermost rows and columns.
  EXPECT_GT(ink / 1000 / kPixels, 0.08);
  EXPECT_LT(ink / 1000 / kPixels, 0.2);
  EXPECT_LT(frame / 1000 / (4 * 28), 0.05);
}

TEST(SyntheticDigits, AreRecognisableButNotByALinearModel) {
  const auto train = synthetic_digits({.count = 4000});
  const auto test = synthetic_digits({.count = 300, .part = SyntheticPart::test});
  std::vector<std::vector<double>> examples;
  std::vector<int> labels;
  std::vector<std::vector<double>> means(10, std::vector<double>(kPixels));
  std::vector<double> counts(10);
  for (Index i = 0; i < train->size(); ++i) {
    const auto pixels = image(*train, i);
    examples.emplace_back(pixels.begin(), pixels.end());
    labels.push_back(label(*train, i));
    const auto k = static_cast<std::size_t>(labels.back());
    for (std::size_t p = 0; p < kPixels; ++p) means[k][p] += pixels[p];
    ++counts[k];
  }
  for (std::size_t k = 0; k < 10; ++k) {
    for (double& mean : means[k]) mean /= counts[k];
  }
  // Which class mean is nearest is decided by linear functions of the pixels; which example is nearest is
  // not.
  const double linear = accuracy_of_nearest(means, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, *test);
  const double nearest = accuracy_of_nearest(examples, labels, *test);
  RecordProperty("linear", std::to_string(linear));
  RecordProperty("nearest", std::to_string(nearest));
  EXPECT_GT(linear, 0.4);
  EXPECT_LT(linear, 0.8);
  EXPECT_GT(nearest, linear + 0.15);
}

TEST(SyntheticDigits, RefuseACountBelowOne) {
  EXPECT_EQ(message_of<ValueError>([] { synthetic_digits({.count = 0}); }),
            "[synthetic_digits] 1 image or more expected, found 0");
}

TEST(DigitStrokes, GiveEveryDigitWaysToWriteIt) {
  for (int digit = 0; digit < 10; ++digit) {
    ASSERT_GE(glyphs_of(digit).size(), 2U);
    for (const Glyph& glyph : glyphs_of(digit)) {
      double top = 1;
      double bottom = -1;
      for (const Stroke& stroke : glyph) {
        ASSERT_GE(stroke.size(), 2U);
        for (const Point& point : stroke) {
          EXPECT_LE(std::abs(point.x), 0.5);
          top = std::min(top, point.y);
          bottom = std::max(bottom, point.y);
        }
      }
      // One unit high, but for what the slope of a top or foot takes.
      EXPECT_GE(top, -0.5);
      EXPECT_LE(top, -0.46);
      EXPECT_LE(bottom, 0.5);
      EXPECT_GE(bottom, 0.46);
    }
  }
}

TEST(DigitStrokes, FlattenThroughTheirPoints) {
  const Stroke stroke{{0, 0}, {1, 0}, {1, 2}};
  const Stroke points = flatten(stroke, 4);
  ASSERT_EQ(points.size(), 9U);
  for (std::size_t i = 0; i < stroke.size(); ++i) {
    EXPECT_DOUBLE_EQ(points[4 * i].x, stroke[i].x);
    EXPECT_DOUBLE_EQ(points[4 * i].y, stroke[i].y);
  }
  // Half-way on the first span, by the formula (-p0 + 9 p1 + 9 p2 - p3) / 16 with p0 = p1.
  EXPECT_DOUBLE_EQ(points[2].x, (8 * 0 + 9 * 1 - 1) / 16.0);
  EXPECT_DOUBLE_EQ(points[2].y, (8 * 0 + 9 * 0 - 2) / 16.0);
}

}  // namespace
}  // namespace keel::data
