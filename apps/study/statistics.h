// What some values, one a seed, say of their mean.
#pragma once

#include <span>
#include <vector>

namespace keel::study {

// A mean with its 95 % confidence interval by Student's t: mean +- t(0.975, n - 1) s / sqrt(n). Of a single
// value the interval is unbounded; of values among which one is not finite, everything is NaN.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

//   throws: ValueError if there are no values
Interval interval_of(std::span<const double> values);

// Of a - b, seed by seed: what the seeds have in common (weights, batches) cancels.
//   throws: ValueError unless both have as many values
Interval difference_of(std::span<const double> a, std::span<const double> b);

// Of a / b, seed by seed: the geometric mean, with the interval of the logarithms.
//   throws: ValueError unless both have as many values, all above 0
Interval ratio_of(std::span<const double> a, std::span<const double> b);

// Where the mean of `seeds` further values lies with 95 %: mean +- t(0.975, n - 1) s sqrt(1 / n + 1 / seeds).
// Wider than the interval of the mean, as that mean has a spread of its own.
//   throws: ValueError if there are no values, or unless seeds >= 1
Interval prediction_of(std::span<const double> values, int seeds);

// The 97.5 % quantile of Student's t distribution with that many degrees of freedom, to 1e-9.
//   throws: ValueError unless degrees >= 1
double student_t(int degrees);

}  // namespace keel::study
