#include "study/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/errors.h"

namespace keel::study {
namespace {

using testing::message_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Values = std::vector<double>;

// tan(0.475 pi) and 0.95 sqrt(2 / (1 - 0.95^2)) for one and two; from tables.
TEST(StudentT, IsTheQuantile) {
  EXPECT_NEAR(student_t(1), 12.706204736174694, 1e-9);
  EXPECT_NEAR(student_t(2), 4.302652729749462, 1e-9);
  EXPECT_NEAR(student_t(3), 3.1824463052837078, 1e-9);
  EXPECT_NEAR(student_t(4), 2.776445105197793, 1e-9);
  EXPECT_NEAR(student_t(9), 2.2621571627982044, 1e-9);
  EXPECT_NEAR(student_t(30), 2.0422724563012373, 1e-9);
  EXPECT_NEAR(student_t(999), 1.9623414611334487, 1e-9);
  EXPECT_EQ(message_of<ValueError>([] { student_t(0); }),
            "[statistics] at least 1 degree of freedom expected, found 0");
}

TEST(Interval, IsTheMeanAndItsConfidenceInterval) {
  // Deviation sqrt(2.5), half 2.776445105 sqrt(2.5 / 5).
  const Interval interval = interval_of(Values{1, 2, 3, 4, 5});
  EXPECT_EQ(interval.mean, 3);
  EXPECT_NEAR(interval.low, 3 - 1.9632431614775607, 1e-9);
  EXPECT_NEAR(interval.high, 3 + 1.9632431614775607, 1e-9);
}

TEST(Interval, OfEqualValuesIsAPoint) {
  const Interval interval = interval_of(Values{0.1, 0.1, 0.1});
  EXPECT_NEAR(interval.low, 0.1, 1e-15);
  EXPECT_NEAR(interval.high, 0.1, 1e-15);
}

TEST(Interval, OfASingleValueSaysNothing) {
  const Interval interval = interval_of(Values{7});
  EXPECT_EQ(interval.mean, 7);
  EXPECT_EQ(interval.low, -kInfinity);
  EXPECT_EQ(interval.high, kInfinity);
}

TEST(Interval, IsNaNWhereAValueIsNotFinite) {
  for (const double value : {kNaN, kInfinity, -kInfinity}) {
    const Interval interval = interval_of(Values{1, value, 3});
    EXPECT_TRUE(std::isnan(interval.mean) && std::isnan(interval.low) && std::isnan(interval.high)) << value;
  }
  EXPECT_EQ(message_of<ValueError>([] { interval_of(Values{}); }),
            "[statistics] at least one value expected");
}

TEST(Interval, OfFurtherValuesHasTheirSpreadToo) {
  const Values values = {1, 2, 3};  // of deviation 1
  for (const int seeds : {1, 4}) {
    const Interval likely = prediction_of(values, seeds);
    EXPECT_EQ(likely.mean, 2);
    EXPECT_NEAR(likely.high, 2 + student_t(2) * std::sqrt(1.0 / 3 + 1.0 / seeds), 1e-9);
    EXPECT_NEAR(likely.low, 4 - likely.high, 1e-9);
  }
  EXPECT_EQ(prediction_of(Values{1}, 2).high, kInfinity);
  EXPECT_EQ(message_of<ValueError>([&] { prediction_of(values, 0); }),
            "[statistics] at least 1 seed expected, found 0");
}

// The seeds are far apart, the pairs are not.
TEST(Interval, OfPairedDifferencesLeavesOutWhatSeedsHaveInCommon) {
  const Values a = {1.5, 11.25, 101.75}, b = {1, 11, 101};
  const Interval paired = difference_of(a, b), same = interval_of(Values{0.5, 0.25, 0.75});
  EXPECT_EQ(paired.mean, same.mean);
  EXPECT_EQ(paired.low, same.low);
  EXPECT_EQ(paired.high, same.high);
  EXPECT_GT(paired.low, -0.2);
  EXPECT_EQ(message_of<ValueError>([&] { difference_of(a, Values{1}); }),
            "[statistics] pairs expected, found 3 and 1 values");
}

TEST(Interval, OfRatiosIsThatOfTheirLogarithms) {
  const Interval ratio = ratio_of(Values{2, 8, 4}, Values{1, 1, 1});
  EXPECT_NEAR(ratio.mean, 4, 1e-12);
  // Logarithms to base 2: 2 with deviation 1.
  const double half = student_t(2) / std::sqrt(3.0);
  EXPECT_NEAR(ratio.low, std::exp2(2 - half), 1e-9);
  EXPECT_NEAR(ratio.high, std::exp2(2 + half), 1e-9);
  EXPECT_TRUE(std::isnan(ratio_of(Values{2, kNaN}, Values{1, 1}).mean));
  EXPECT_EQ(message_of<ValueError>([] {
              ratio_of(Values{2, 0}, Values{1, 1});
            }),
            "[statistics] positive values expected, found 0 and 1");
}

}  // namespace
}  // namespace keel::study
