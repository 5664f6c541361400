// The words of labels and sentences.
#include "study/sweep.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "study/exact.h"

namespace keel::study {
namespace {

// Two seeds at two rates, of which so many diverge.
std::string shown_of(int diverged_at_first, int diverged_at_second) {
  Results results;
  for (const auto& [rate, diverged] : {std::pair(0.1, diverged_at_first), {1.0, diverged_at_second}}) {
    for (int seed = 0; seed < 2; ++seed) {
      results.add(at_rate("arm", rate), {{"accuracy", 0.5}, {"diverged", seed < diverged}});
    }
  }
  return at_best_rate(results, "arm", {0.1, 1}).shown(", best rate");
}

TEST(AtBestRate, SaysWhereNoRateTrains) {
  EXPECT_EQ(shown_of(0, 0), ", best rate 0.1, at the edge of the rates");
  EXPECT_EQ(shown_of(2, 1), ", best rate 0.1, at the edge of the rates (2 of 2 diverged)");
  EXPECT_EQ(shown_of(2, 2), ", no rate trains");
}

TEST(Words, OfADifferenceThatMayBeNone) {
  EXPECT_EQ(the_same("outputs", 0), "exactly the same outputs");
  EXPECT_EQ(the_same("outputs", 2.3e-7), "the same outputs to about 2e-07");
  EXPECT_EQ(the_same("outputs", std::nan("")), "the same outputs to about nan");
}

TEST(Words, OfAMeanThatLiesHalfwayAreThoseOfItsDecimals) {
  const std::vector<double> accuracies = {0.9468, 0.9734, 0.9705, 0.9614, 0.9704};
  ASSERT_LT(mean_of(accuracies), 0.9645);
  EXPECT_EQ(percent(accuracies), "96.5 %");
  EXPECT_EQ(percent(0.9635), "96.4 %");
  EXPECT_EQ(percent(0.1), "10.0 %");
  EXPECT_EQ(percent(std::nan("")), "nan %");
}

TEST(Words, OfLargeNumbersHaveCommas) {
  EXPECT_EQ(with_commas(600), "600");
  EXPECT_EQ(with_commas(3000), "3,000");
  EXPECT_EQ(with_commas(60000), "60,000");
  EXPECT_EQ(with_commas(123456), "123,456");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace keel::study
