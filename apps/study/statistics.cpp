#include "study/statistics.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "keel/core/error.h"

namespace keel::study {
namespace {

void require_pairs(std::span<const double> a, std::span<const double> b) {
  check<ValueError>(a.size() == b.size(), "[statistics] pairs expected, found {} and {} values", a.size(),
                    b.size());
}

// P(|T| <= t), by the finite sums for whole degrees of freedom (Abramowitz & Stegun, 26.7.3 and 26.7.4).
double two_sided(double t, int degrees) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(theta);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1, sum = degrees == 1 ? 0 : term;
  for (int k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
}

}  // namespace

double student_t(int degrees) {
  check<ValueError>(degrees >= 1, "[statistics] at least 1 degree of freedom expected, found {}", degrees);
  double low = 0, high = 16;  // t(0.975, 1) is 12.7
  while (high - low > 1e-12) {
    const double middle = (low + high) / 2;
    (two_sided(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return (low + high) / 2;
}

Interval interval_of(std::span<const double> values) {
  check<ValueError>(!values.empty(), "[statistics] at least one value expected");
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  if (!std::isfinite(mean)) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, kNaN, kNaN};
  }
  if (values.size() == 1) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return {mean, -kInfinity, kInfinity};
  }
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double half = student_t(static_cast<int>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean, mean - half, mean + half};
}

Interval prediction_of(std::span<const double> values, int seeds) {
  check<ValueError>(seeds >= 1, "[statistics] at least 1 seed expected, found {}", seeds);
  const Interval interval = interval_of(values);
  const double wider = std::sqrt(1 + static_cast<double>(values.size()) / seeds);
  return {interval.mean, interval.mean - wider * (interval.mean - interval.low),
          interval.mean + wider * (interval.high - interval.mean)};
}

Interval difference_of(std::span<const double> a, std::span<const double> b) {
  require_pairs(a, b);
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  return interval_of(differences);
}

Interval ratio_of(std::span<const double> a, std::span<const double> b) {
  require_pairs(a, b);
  std::vector<double> logarithms;
  for (std::size_t i = 0; i < a.size(); ++i) {
    check<ValueError>(!(a[i] <= 0) && !(b[i] <= 0), "[statistics] positive values expected, found {} and {}",
                      a[i], b[i]);
    logarithms.push_back(std::log(a[i]) - std::log(b[i]));
  }
  const Interval logarithm = interval_of(logarithms);
  return {std::exp(logarithm.mean), std::exp(logarithm.low), std::exp(logarithm.high)};
}

}  // namespace keel::study
