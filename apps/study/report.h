// What a claim's experiment found, and the verdict that follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/statistics.h"
#include "study/trial.h"

namespace keel::study {

enum class Outcome { yes, no, unclear };

// A statement that the claim implies, tested.
struct Check {
  std::string statement;  // "BN reaches 97 % in at most half the steps"
  std::string rule;       // "interval of none / BN above 2"
  Interval found;
  Outcome outcome = Outcome::unclear;
};

// A figure beside what was expected of it.
struct Number {
  std::string label;
  std::vector<double> values;              // one a seed; NaN for one that diverged
  std::optional<double> expected = {};     // from an earlier measurement with PyTorch
  std::optional<double> expected_to = {};  // the upper end, where that is a range
};

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<std::vector<double>> y;  // for each x, one value a seed
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
  // Each tests one statement that the claim implies. `a` and `b` have one value a seed.
  // yes: the interval of a - b lies above the margin; no: below it; unclear: it has both.
  void expect_more(const std::string& statement, const std::vector<double>& a, const std::vector<double>& b,
                   double margin = 0);
  // The same of a / b and `at_least`.
  void expect_ratio(const std::string& statement, const std::vector<double>& a, const std::vector<double>& b,
                    double at_least);
  // yes: the interval of |a - b| lies within the margin; no: outside; unclear otherwise.
  void expect_equal(const std::string& statement, const std::vector<double>& a, const std::vector<double>& b,
                    double margin);
  // The same as expect_more() for single values: their interval above (below) the bound.
  void expect_above(const std::string& statement, const std::vector<double>& values, double bound);
  void expect_below(const std::string& statement, const std::vector<double>& values, double bound);
  // For what holds exactly or not at all: yes if every value is at most the bound.
  void expect_all_at_most(const std::string& statement, const std::vector<double>& values, double bound);

  void add(Number number) { numbers_.push_back(std::move(number)); }
  void add(Figure figure) { figures_.push_back(std::move(figure)); }
  // One plain sentence of what was found, made of its numbers.
  void set_sentence(std::string sentence) { sentence_ = std::move(sentence); }
  // Where a number differs from what was expected of it, and why.
  void note(std::string text) { notes_.push_back(std::move(text)); }

  const std::vector<Check>& checks() const { return checks_; }
  // "holds" if every check is yes, "does not hold" if every one is no, "holds in part" if some are yes,
  // otherwise "not shown".
  std::string verdict() const;
  Json to_json() const;

 private:
  void judge(const std::string& statement, std::string rule, const Interval& found, double bound, bool above);

  std::vector<Check> checks_;
  std::vector<Number> numbers_;
  std::vector<Figure> figures_;
  std::string sentence_;
  std::vector<std::string> notes_;
};

}  // namespace keel::study
