#include "study/report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "support/errors.h"

namespace keel::study {
namespace {

using testing::message_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Values = std::vector<double>;

Outcome only_outcome(const Report& report) {
  EXPECT_EQ(report.checks().size(), 1);
  return report.checks().at(0).outcome;
}

template <class F>
Outcome outcome_of(const F& expect) {
  Report report;
  expect(report);
  return only_outcome(report);
}

Outcome of_more(const Values& a, const Values& b, double margin = 0) {
  return outcome_of([&](Report& report) { report.expect_more("", a, b, margin); });
}
Outcome of_ratio(const Values& a, const Values& b, double at_least) {
  return outcome_of([&](Report& report) { report.expect_ratio("", a, b, at_least); });
}
Outcome of_above(const Values& values, double bound) {
  return outcome_of([&](Report& report) { report.expect_above("", values, bound); });
}
Outcome of_all_above(const Values& values, double bound) {
  return outcome_of([&](Report& report) { report.expect_all_above("", values, bound); });
}
Outcome of_at_most(const Values& values, double bound) {
  return outcome_of([&](Report& report) { report.expect_all_at_most("", values, bound); });
}

TEST(Report, JudgesDifferencesByTheirIntervalAndTheMargin) {
  const Values a = {3, 3.125, 2.875}, b = {1, 1, 1};  // 2 +- 0.31
  EXPECT_EQ(of_more(a, b), Outcome::yes);
  EXPECT_EQ(of_more(a, b, 1.6), Outcome::yes);
  EXPECT_EQ(of_more(a, b, 1.8), Outcome::unclear);
  EXPECT_EQ(of_more(a, b, 2.2), Outcome::unclear);
  EXPECT_EQ(of_more(a, b, 2.4), Outcome::no);
  EXPECT_EQ(of_more(b, a), Outcome::no);
  EXPECT_EQ(of_more(a, a), Outcome::no);  // no difference in any seed is not more
  EXPECT_EQ(of_more({2, 2, 2}, b, 1), Outcome::no);
}

TEST(Report, JudgesRatiosByTheirInterval) {
  const Values twice = {2.2, 2, 1.8}, one = {1, 1, 1};
  EXPECT_EQ(of_ratio(twice, one, 1), Outcome::yes);
  EXPECT_EQ(of_ratio(twice, one, 2), Outcome::unclear);
  EXPECT_EQ(of_ratio(twice, one, 5), Outcome::no);
}

TEST(Report, CountsARatioAtTheFactorAndNotAtOne) {
  // Whose logarithms differ from that of 5 in the last digit, one up and one down.
  EXPECT_EQ(of_ratio({5000, 5000}, {1000, 1000}, 5), Outcome::yes);
  EXPECT_EQ(of_ratio({3000, 3000}, {600, 600}, 5), Outcome::yes);
  EXPECT_EQ(of_ratio({2999, 2999}, {600, 600}, 5), Outcome::no);
  EXPECT_EQ(of_ratio({7, 7}, {7, 7}, 1), Outcome::no);
  EXPECT_EQ(of_ratio({7.1, 7.1}, {7, 7}, 1), Outcome::yes);
}

TEST(Report, DecidesNothingByStepsThatWereNotEnough) {
  const Reached fast = {{100, 110, 90}, {false, false, false}};
  const Reached slow = {{900, 900, 900}, {false, false, false}};
  const Reached endless = {{900, 900, 900}, {false, true, true}};
  const auto of = [](const Reached& a, const Reached& b, double at_least) {
    return outcome_of([&](Report& report) { report.expect_ratio("", a, b, at_least); });
  };
  EXPECT_EQ(of(slow, fast, 5), Outcome::yes);
  EXPECT_EQ(of(endless, fast, 5), Outcome::yes);  // more steps make it larger still
  EXPECT_EQ(of(slow, fast, 20), Outcome::no);
  EXPECT_EQ(of(endless, fast, 20), Outcome::unclear);
  EXPECT_EQ(of(fast, slow, 1), Outcome::no);
  EXPECT_EQ(of(fast, endless, 1), Outcome::no);  // and smaller still
  EXPECT_EQ(of(slow, endless, 0.5), Outcome::unclear);
  EXPECT_EQ(slow.remark(), "");
  EXPECT_EQ(endless.remark(), " (2 of 3 not in 900 steps)");
}

TEST(Report, ExpectsNothingOfAQuickStudy) {
  for (const Length length : {Length::quick, Length::full}) {
    Report report(length);
    report.add(Number{"rate", {1, 2}, 3, 4});
    EXPECT_EQ(report.to_json()["numbers"][0].contains("expected"), length == Length::full);
    EXPECT_EQ(report.to_json()["numbers"][0].contains("expected_to"), length == Length::full);
  }
}

// Of values with mean 2 and deviation 1: the mean of one more lies in 2 +- t(2) sqrt(1 / 3 + 1), of three
// more in 2 +- t(2) sqrt(2 / 3).
TEST(Report, SaysWhereValuesAreNotWhatWasExpected) {
  const auto beside = [](const Number& number, int seeds) {
    Report report(Length::full, seeds);
    report.add(number);
    return report.to_json()["numbers"][0]["beside_expected"].get<std::string>();
  };
  const Values values = {1, 2, 3};
  const double one = student_t(2) * std::sqrt(4.0 / 3), three = student_t(2) * std::sqrt(2.0 / 3);
  EXPECT_EQ(beside({"n", values, 2 + one - 0.01}, 1), "as expected");
  EXPECT_EQ(beside({"n", values, 2 + one + 0.01}, 1), "lower");
  EXPECT_EQ(beside({"n", values, 2 - one + 0.01}, 1), "as expected");
  EXPECT_EQ(beside({"n", values, 2 - one - 0.01}, 1), "higher");
  EXPECT_EQ(beside({"n", values, 2 + three + 0.01}, 3), "lower");
  EXPECT_EQ(beside({"n", values, 2 - three - 0.01}, 3), "higher");
  // A range is met at either end.
  EXPECT_EQ(beside({"n", values, 9, 2 + three - 0.01}, 3), "as expected");
  EXPECT_EQ(beside({"n", values, 9, 8}, 3), "lower");
  // What is the same with all seeds is held to the digits of what was expected.
  const Values same = {0.1135, 0.1135};
  for (const auto& [expected, side] :
       {std::pair(0.11, "as expected"), std::pair(0.113, "as expected"), std::pair(0.114, "as expected"),
        std::pair(0.112, "higher"), std::pair(0.12, "lower"), std::pair(0.1, "as expected")}) {
    EXPECT_EQ(beside({"n", same, expected}, 1), side) << expected;
  }
  EXPECT_EQ(beside({"n", same, "0.110"}, 1), "higher");
  EXPECT_EQ(beside({"n", {0.00027, 0.00027}, 0.0003}, 1), "as expected");
  // One that diverged does not count; where all did there is nothing to compare.
  EXPECT_EQ(beside({"n", {1, 2, 3, kNaN}, 99}, 1), "lower");
  Report report;
  report.add({"n", {kNaN, kNaN}, 1});
  EXPECT_FALSE(report.to_json()["numbers"][0].contains("beside_expected"));
}

TEST(Expectation, IsRoundedToTheDigitsThatAreWritten) {
  for (const auto& [text, value, rounding] :
       {std::tuple("0.970", 0.97, 0.0005), std::tuple("0.97", 0.97, 0.005), std::tuple("2e8", 2e8, 0.5e8),
        std::tuple("2.0E-3", 0.002, 0.00005), std::tuple("650", 650.0, 0.5),
        std::tuple("-4.2", -4.2, 0.05)}) {
    EXPECT_EQ(Expectation(text).value, value) << text;
    EXPECT_NEAR(Expectation(text).rounding, rounding, 1e-12 * rounding) << text;
  }
  EXPECT_EQ(Expectation(0.965).value, 0.965);
  EXPECT_NEAR(Expectation(0.965).rounding, 0.0005, 1e-15);
  for (const char* text : {"", "x", "0.97x", "1 "}) {
    EXPECT_EQ(message_of<ValueError>([&] { Expectation expectation(text); }),
              fmt::format("[report] a decimal number expected, found '{}'", text));
  }
}

TEST(Report, NotesOnExpectationsAreOfFullStudies) {
  for (const Length length : {Length::quick, Length::full}) {
    Report report(length);
    report.note_on_expected("why");
    EXPECT_EQ(report.to_json()["notes"].size(), length == Length::full ? 1 : 0);
  }
}

TEST(Report, JudgesValuesAgainstABound) {
  const Values values = {1, 1.01, 0.99};
  EXPECT_EQ(of_above(values, 0.9), Outcome::yes);
  EXPECT_EQ(of_above(values, 1), Outcome::unclear);
  EXPECT_EQ(of_above(values, 1.1), Outcome::no);
}

TEST(Report, JudgesWhatHoldsExactlyByEveryValue) {
  EXPECT_EQ(of_at_most({0, 1e-6}, 1e-6), Outcome::yes);
  EXPECT_EQ(of_at_most({0, 2e-6}, 1e-6), Outcome::no);
  EXPECT_EQ(of_at_most({0}, 0), Outcome::yes);  // of one seed, too
  EXPECT_EQ(of_at_most({0, kNaN, 0}, 1), Outcome::no);
  EXPECT_EQ(of_at_most({kInfinity}, 1), Outcome::no);
  EXPECT_EQ(of_all_above({0.5, 2}, 0.4), Outcome::yes);
  EXPECT_EQ(of_all_above({0.5, 2}, 0.5), Outcome::no);
  EXPECT_EQ(of_all_above({kNaN, 2}, 0.5), Outcome::no);
  EXPECT_EQ(message_of<ValueError>([] { of_all_above({}, 1); }), "[report] '' has no values");
  EXPECT_EQ(message_of<ValueError>([] { of_at_most({}, 1); }), "[report] '' has no values");
}

TEST(Report, IsUnclearWhereARunDivergedOrThereIsOneSeed) {
  EXPECT_EQ(of_more({9, kNaN, 9}, {1, 1, 1}), Outcome::unclear);
  EXPECT_EQ(of_ratio({9, kNaN, 9}, {1, 1, 1}, 1), Outcome::unclear);
  EXPECT_EQ(of_above({9, kInfinity}, 1), Outcome::unclear);
  EXPECT_EQ(of_more({9}, {1}), Outcome::unclear);
}

TEST(Report, MakesItsVerdictOfTheChecks) {
  const auto verdict_of = [](const std::vector<Outcome>& outcomes) {
    Report report;
    for (const Outcome outcome : outcomes) {
      const double value = outcome == Outcome::yes ? 2 : outcome == Outcome::no ? -2 : 0;
      report.expect_above("", {value - 0.01, value, value + 0.01}, 0);
      EXPECT_EQ(report.checks().back().outcome, outcome);
    }
    return report.verdict();
  };
  const Outcome yes = Outcome::yes, no = Outcome::no, unclear = Outcome::unclear;
  EXPECT_EQ(verdict_of({yes}), "holds");
  EXPECT_EQ(verdict_of({yes, yes}), "holds");
  EXPECT_EQ(verdict_of({yes, no}), "holds in part");
  EXPECT_EQ(verdict_of({unclear, yes}), "holds in part");
  EXPECT_EQ(verdict_of({no, no}), "does not hold");
  EXPECT_EQ(verdict_of({no, unclear}), "not shown");
  EXPECT_EQ(verdict_of({unclear}), "not shown");
  EXPECT_EQ(verdict_of({}), "not shown");
}

TEST(Report, WritesNothingThatJsonCannotHold) {
  Report report;
  report.expect_above("rises", {1, kNaN}, 0);
  report.add({"rate", {1, 3, kNaN}, 2});
  report.add({"time", {kNaN}, 18, 19});
  report.add(Number{"one", {4}});
  report.add(Figure{.title = "t",
                    .x_label = "x",
                    .y_label = "y",
                    .series = {{"arm", {1, 2}, {{1, 3}, {kNaN, kNaN}}, {0, 1}}},
                    .log_x = true});
  report.set_sentence("So it is.");
  report.note("a note");
  const Json json = report.to_json();
  EXPECT_EQ(Json::parse(json.dump()), json);
  EXPECT_EQ(json["verdict"], "not shown");
  EXPECT_EQ(json["sentence"], "So it is.");
  EXPECT_EQ(json["notes"], Json::array({"a note"}));
  EXPECT_EQ(json["checks"][0].dump(),
            R"({"statement":"rises","rule":"the interval lies above 0","outcome":"unclear",)"
            R"("mean":null,"low":null,"high":null})");
  // The interval of those that have a value; the gap is to be seen.
  EXPECT_EQ(json["numbers"][0]["values"], Json::array({1.0, 3.0, nullptr}));
  EXPECT_EQ(json["numbers"][0]["mean"], 2);
  EXPECT_NEAR(json["numbers"][0]["high"], 2 + student_t(1), 1e-9);
  EXPECT_EQ(json["numbers"][0]["expected"], 2);
  EXPECT_FALSE(json["numbers"][0].contains("expected_to"));
  EXPECT_EQ(json["numbers"][1]["mean"], nullptr);
  EXPECT_EQ(json["numbers"][1]["expected_to"], 19);
  EXPECT_EQ(json["numbers"][2]["mean"], 4);
  EXPECT_EQ(json["numbers"][2]["low"], nullptr);
  const Json& points = json["figures"][0]["series"][0]["points"];
  EXPECT_EQ(points[0]["x"], 1);
  EXPECT_EQ(points[0]["mean"], 2);
  EXPECT_EQ(points[1]["mean"], nullptr);
  EXPECT_EQ(points[1]["values"], Json::array({nullptr, nullptr}));
  EXPECT_FALSE(points[0].contains("diverged"));
  EXPECT_EQ(points[1]["diverged"], 1);
}

}  // namespace
}  // namespace keel::study
