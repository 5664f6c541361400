// What a claim's experiment found, and the verdict that follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/statistics.h"
#include "study/trial.h"

namespace keel::study {

// How much a study spends: `quick` is for a look, with fewer points of a grid and shorter training.
enum class Length { quick, full };

enum class Outcome { yes, no, unclear };

// A statement that the claim implies, tested.
struct Check {
  std::string statement;  // "BN reaches 97 % in at most half the steps"
  std::string rule;       // "interval of none / BN above 2"
  Interval found;
  Outcome outcome = Outcome::unclear;
};

// Steps to a target, one a seed.
struct Reached {
  std::vector<double> steps;  // all that were taken where the target was not reached
  std::vector<bool> not_reached;
  // " (2 of 5 not in 6000 steps)", or nothing if all reached it.
  std::string remark() const;
  bool all() const;
};

// What an earlier measurement found, and by how much it was rounded at most: half a unit of the last digit
// that is written. A number is written as "{:g}" does; where its last digit is a zero, as text: "0.970".
//   throws: ValueError if the text is no decimal number
struct Expectation {
  Expectation(double number);     // NOLINT: tables of numbers
  Expectation(const char* text);  // NOLINT
  double value, rounding;
};

// A figure beside what was expected of it.
struct Number {
  std::string label;
  std::vector<double> values;                   // one a seed; NaN where there is none
  std::optional<Expectation> expected = {};     // from an earlier measurement with PyTorch
  std::optional<Expectation> expected_to = {};  // the upper end, where that is a range
};

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<std::vector<double>> y;  // for each x, one value a seed
  // For each x, how many seeds diverged, where their values do not say so, as a chance accuracy does not.
  std::vector<Index> diverged = {};
};

struct Figure {
  std::string title;
  std::string x_label, y_label;
  std::vector<Series> series;
  bool log_x = false, log_y = false;
  // Names of the places 0, 1, ... of x: then it is a chart of points side by side.
  std::vector<std::string> categories = {};
};

class Report {
 public:
  // A quick study's numbers are not those that were expected of a full one. These are means of so many seeds.
  explicit Report(Length length = Length::full, int expected_seeds = 1)
      : length_(length), expected_seeds_(expected_seeds) {}

  // Each tests one statement that the claim implies. `a` and `b` have one value a seed.
  // yes: the interval of a - b lies above the margin; no: nowhere above it; unclear: on both sides.
  void expect_more(const std::string& statement, const std::vector<double>& a, const std::vector<double>& b,
                   double margin = 0);
  // Of a / b. yes: the interval lies at or above the factor; no: below it; unclear: on both sides. For a
  // factor of 1, at which nothing is gained, only above it is yes.
  void expect_ratio(const std::string& statement, const std::vector<double>& a, const std::vector<double>& b,
                    double at_least);
  // The same for steps to a target, which a run may not reach: then they are more than those it took. Where
  // one of `a` is, the ratio may be larger, which does not make a no; where one of `b` is it may be smaller,
  // and makes no yes.
  void expect_ratio(const std::string& statement, const Reached& a, const Reached& b, double at_least);
  // For single values: yes if their interval lies above the bound, no if nowhere above it.
  void expect_above(const std::string& statement, const std::vector<double>& values, double bound);
  // For what holds exactly or not at all: yes if every value is at most (at least) the bound, otherwise no.
  void expect_all_at_most(const std::string& statement, const std::vector<double>& values, double bound);
  void expect_all_above(const std::string& statement, const std::vector<double>& values, double bound);

  void add(Number number);
  void add(Figure figure) { figures_.push_back(std::move(figure)); }
  // One plain sentence of what was found, made of its numbers. Where one of them is NaN, as runs diverged,
  // the sentence says that instead.
  void set_sentence(const std::string& sentence);
  void note(std::string text) { notes_.push_back(std::move(text)); }
  // Where numbers differ from what was expected of them, and why. Not in a quick study, which expects
  // nothing.
  void note_on_expected(std::string text) {
    if (length_ == Length::full) note(std::move(text));
  }

  const std::vector<Check>& checks() const { return checks_; }
  // "holds" if every check is yes, "does not hold" if every one is no, "holds in part" if some are yes,
  // otherwise "not shown".
  std::string verdict() const;
  Json to_json() const;

 private:
  void judge_above(const std::string& statement, std::string rule, const Interval& found, double bound,
                   bool or_equal = false);
  void judge_all(const std::string& statement, std::string rule, const std::vector<double>& values,
                 double worst, bool all);

  // "as expected", or on which side the values lie if chance does not explain it: what was expected is
  // farther from their mean than 95 % of means of expected_seeds values would be, and than it was rounded.
  std::string beside_expected(const Number& number) const;

  Length length_;
  int expected_seeds_;
  std::vector<Check> checks_;
  std::vector<Number> numbers_;
  std::vector<Figure> figures_;
  std::string sentence_;
  std::vector<std::string> notes_;
};

}  // namespace keel::study
