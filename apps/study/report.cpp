#include "study/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <tuple>

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
      if (i < one.diverged.size() && one.diverged[i] > 0) point["diverged"] = one.diverged[i];
      points.push_back(std::move(point));
    }
    series.push_back({{"name", one.name}, {"points", std::move(points)}});
  }
  return {{"title", figure.title},      {"x_label", figure.x_label}, {"y_label", figure.y_label},
          {"log_x", figure.log_x},      {"log_y", figure.log_y},     {"categories", figure.categories},
          {"series", std::move(series)}};
}

}  // namespace

Expectation::Expectation(double number) : Expectation(fmt::format("{:g}", number).c_str()) {}

Expectation::Expectation(const char* text) : value(0), rounding(0.5) {
  const std::string written = text;
  std::size_t read = 0;
  try {
    value = std::stod(written, &read);
  } catch (const std::exception&) {  // of the standard library, which says "stod" and no more
    read = 0;
  }
  check<ValueError>(read > 0 && read == written.size(), "[report] a decimal number expected, found '{}'",
                    written);
  const std::size_t exponent = std::min(written.find_first_of("eE"), written.size());
  const std::size_t point = std::min(written.find('.'), exponent);
  const auto decimals = static_cast<double>(exponent - std::min(point + 1, exponent));
  const double power = exponent < written.size() ? std::stod(written.substr(exponent + 1)) : 0;
  rounding = 0.5 * std::pow(10, power - decimals);
}

std::string Reached::remark() const {
  const auto count = std::count(not_reached.begin(), not_reached.end(), true);
  if (count == 0) return "";
  return fmt::format(" ({} of {} not in {:g} steps)", count, steps.size(),
                     *std::max_element(steps.begin(), steps.end()));
}

bool Reached::all() const {
  return std::none_of(not_reached.begin(), not_reached.end(), [](bool missing) { return missing; });
}

void Report::add(Number number) {
  if (length_ == Length::quick) number.expected = number.expected_to = std::nullopt;
  numbers_.push_back(std::move(number));
}

void Report::set_sentence(const std::string& sentence) {
  static const std::regex not_a_number("\\b-?nan\\b");
  sentence_ = std::regex_search(sentence, not_a_number)
                  ? "Runs diverged, and left no numbers to compare; those below say which."
                  : sentence;
}

void Report::judge_above(const std::string& statement, std::string rule, const Interval& found, double bound,
                         bool or_equal) {
  // Ratios are found by logarithms: what is equal to the bound comes out beside it in the last digits.
  const double tolerance = 1e-9 * std::max(1.0, std::abs(bound));
  const auto is_above = [&](double value) {
    return or_equal ? value >= bound - tolerance : value > bound + tolerance;
  };
  Outcome outcome = Outcome::unclear;
  if (is_above(found.low)) outcome = Outcome::yes;
  if (!std::isnan(found.high) && !is_above(found.high)) outcome = Outcome::no;
  checks_.push_back({statement, std::move(rule), found, outcome});
}

void Report::expect_more(const std::string& statement, const std::vector<double>& a,
                         const std::vector<double>& b, double margin) {
  judge_above(statement, fmt::format("the interval of the difference lies above {:g}", margin),
              difference_of(a, b), margin);
}

void Report::expect_ratio(const std::string& statement, const std::vector<double>& a,
                          const std::vector<double>& b, double at_least) {
  const bool or_equal = at_least != 1;
  judge_above(
      statement,
      fmt::format("the interval of the ratio lies {} {:g}", or_equal ? "at or above" : "above", at_least),
      ratio_of(a, b), at_least, or_equal);
}

void Report::expect_ratio(const std::string& statement, const Reached& a, const Reached& b, double at_least) {
  expect_ratio(statement, a.steps, b.steps, at_least);
  Check& last = checks_.back();
  const bool may_be_larger = last.outcome == Outcome::no && !a.all();
  const bool may_be_smaller = last.outcome == Outcome::yes && !b.all();
  if (may_be_larger || may_be_smaller) last.outcome = Outcome::unclear;
}

void Report::expect_above(const std::string& statement, const std::vector<double>& values, double bound) {
  judge_above(statement, fmt::format("the interval lies above {:g}", bound), interval_of(values), bound);
}

void Report::judge_all(const std::string& statement, std::string rule, const std::vector<double>& values,
                       double worst, bool all) {
  const bool is_nan =
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  if (is_nan) worst = std::nan("");
  checks_.push_back({statement, std::move(rule), {worst, worst, worst}, all ? Outcome::yes : Outcome::no});
}

void Report::expect_all_at_most(const std::string& statement, const std::vector<double>& values,
                                double bound) {
  check<ValueError>(!values.empty(), "[report] '{}' has no values", statement);
  judge_all(statement, fmt::format("every value is at most {:g}", bound), values,
            *std::max_element(values.begin(), values.end()),
            std::all_of(values.begin(), values.end(), [&](double value) { return value <= bound; }));
}

void Report::expect_all_above(const std::string& statement, const std::vector<double>& values, double bound) {
  check<ValueError>(!values.empty(), "[report] '{}' has no values", statement);
  judge_all(statement, fmt::format("every value is above {:g}", bound), values,
            *std::min_element(values.begin(), values.end()),
            std::all_of(values.begin(), values.end(), [&](double value) { return value > bound; }));
}

std::string Report::beside_expected(const Number& number) const {
  const Expectation& first = *number.expected;
  const Expectation& second = number.expected_to ? *number.expected_to : first;
  const auto& [low, high] = first.value < second.value ? std::tie(first, second) : std::tie(second, first);
  const Interval likely = prediction_of(finite(number.values), expected_seeds_);
  // What is written in decimal is not so in binary.
  constexpr double kLastBits = 1 + 1e-9;
  if (likely.low > high.value + kLastBits * high.rounding) return "higher";
  return likely.high < low.value - kLastBits * low.rounding ? "lower" : "as expected";
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
    if (one.expected) object["expected"] = one.expected->value;
    if (one.expected_to) object["expected_to"] = one.expected_to->value;
    if (one.expected && !finite(one.values).empty()) object["beside_expected"] = beside_expected(one);
    numbers.push_back(std::move(object));
  }
  for (const Figure& one : figures_) figures.push_back(json_of(one));
  return {{"verdict", verdict()}, {"sentence", sentence_}, {"checks", checks},
          {"numbers", numbers},   {"figures", figures},    {"notes", notes_}};
}

}  // namespace keel::study
