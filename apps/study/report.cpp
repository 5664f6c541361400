#include "study/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace keel::study {
namespace {

const char* name_of(Outcome outcome) {
  return outcome == Outcome::yes ? "yes" : outcome == Outcome::no ? "no" : "unclear";
}

// JSON has no word for what is not finite.
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json numbers_or_null(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(number_or_null(value));
  return array;
}

std::vector<double> finite(const std::vector<double>& values) {
  std::vector<double> result;
  std::copy_if(values.begin(), values.end(), std::back_inserter(result),
               [](double value) { return std::isfinite(value); });
  return result;
}

Json interval_json(const Interval& interval) {
  return {{"mean", number_or_null(interval.mean)},
          {"low", number_or_null(interval.low)},
          {"high", number_or_null(interval.high)}};
}

// The interval of those seeds that have a value.
Json summary_of(const std::vector<double>& values) {
  const std::vector<double> known = finite(values);
  return known.empty() ? interval_json({NAN, NAN, NAN}) : interval_json(interval_of(known));
}

Json json_of(const Figure& figure) {
  Json series = Json::array();
  for (const Series& one : figure.series) {
    Json points = Json::array();
    for (std::size_t i = 0; i < one.x.size(); ++i) {
      Json point = summary_of(one.y[i]);
      point["x"] = one.x[i];
      point["values"] = numbers_or_null(one.y[i]);
      points.push_back(std::move(point));
    }
    series.push_back({{"name", one.name}, {"points", std::move(points)}});
  }
  return {{"title", figure.title},      {"x_label", figure.x_label}, {"y_label", figure.y_label},
          {"log_x", figure.log_x},      {"log_y", figure.log_y},     {"categories", figure.categories},
          {"series", std::move(series)}};
}

}  // namespace

void Report::judge(const std::string& statement, std::string rule, const Interval& found, double bound,
                   bool above) {
  Outcome outcome = Outcome::unclear;
  if (found.low > bound) outcome = above ? Outcome::yes : Outcome::no;
  if (found.high < bound) outcome = above ? Outcome::no : Outcome::yes;
  checks_.push_back({statement, std::move(rule), found, outcome});
}

void Report::expect_more(const std::string& statement, const std::vector<double>& a,
                         const std::vector<double>& b, double margin) {
  judge(statement, fmt::format("the interval of the difference lies above {:g}", margin), difference_of(a, b),
        margin, true);
}

void Report::expect_ratio(const std::string& statement, const std::vector<double>& a,
                          const std::vector<double>& b, double at_least) {
  judge(statement, fmt::format("the interval of the ratio lies above {:g}", at_least), ratio_of(a, b),
        at_least, true);
}

void Report::expect_equal(const std::string& statement, const std::vector<double>& a,
                          const std::vector<double>& b, double margin) {
  const Interval found = difference_of(a, b);
  Outcome outcome = Outcome::unclear;
  if (found.low >= -margin && found.high <= margin) outcome = Outcome::yes;
  if (found.low > margin || found.high < -margin) outcome = Outcome::no;
  checks_.push_back({statement, fmt::format("the interval of the difference lies within {:g} of 0", margin),
                     found, outcome});
}

void Report::expect_above(const std::string& statement, const std::vector<double>& values, double bound) {
  judge(statement, fmt::format("the interval lies above {:g}", bound), interval_of(values), bound, true);
}

void Report::expect_below(const std::string& statement, const std::vector<double>& values, double bound) {
  judge(statement, fmt::format("the interval lies below {:g}", bound), interval_of(values), bound, false);
}

void Report::expect_all_at_most(const std::string& statement, const std::vector<double>& values,
                                double bound) {
  check<ValueError>(!values.empty(), "[report] '{}' has no values", statement);
  double largest = -std::numeric_limits<double>::infinity();
  bool all = true;
  for (const double value : values) {
    all = all && value <= bound;
    largest = std::isnan(value) ? value : std::max(largest, value);
  }
  checks_.push_back({statement,
                     fmt::format("every value is at most {:g}", bound),
                     {largest, largest, largest},
                     all ? Outcome::yes : Outcome::no});
}

std::string Report::verdict() const {
  const auto count = [&](Outcome outcome) {
    return std::count_if(checks_.begin(), checks_.end(),
                         [&](const Check& one) { return one.outcome == outcome; });
  };
  const auto all = static_cast<std::ptrdiff_t>(checks_.size()), yes = count(Outcome::yes);
  if (all > 0 && yes == all) return "holds";
  if (yes > 0) return "holds in part";
  return all > 0 && count(Outcome::no) == all ? "does not hold" : "not shown";
}

Json Report::to_json() const {
  Json checks = Json::array(), numbers = Json::array(), figures = Json::array();
  for (const Check& one : checks_) {
    Json object = {{"statement", one.statement}, {"rule", one.rule}, {"outcome", name_of(one.outcome)}};
    object.update(interval_json(one.found));
    checks.push_back(std::move(object));
  }
  for (const Number& one : numbers_) {
    Json object = {{"label", one.label}, {"values", numbers_or_null(one.values)}};
    object.update(summary_of(one.values));
    if (one.expected) object["expected"] = *one.expected;
    if (one.expected_to) object["expected_to"] = *one.expected_to;
    numbers.push_back(std::move(object));
  }
  for (const Figure& one : figures_) figures.push_back(json_of(one));
  return {{"verdict", verdict()}, {"sentence", sentence_}, {"checks", checks},
          {"numbers", numbers},   {"figures", figures},    {"notes", notes_}};
}

}  // namespace keel::study
