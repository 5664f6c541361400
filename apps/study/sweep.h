// Sweeps: the same training at several values of a number, such as the learning rate.
#pragma once

#include <string>
#include <vector>

#include "study/claim.h"

namespace keel::study {

// "batch lr 0.3": the label of an arm at a learning rate.
std::string at_rate(const std::string& arm, double learning_rate);

// The largest of the rates at which the accuracy of a run is at least `good`; one value a seed, 0 if there is
// none.
std::vector<double> last_good_rate(const Results& results, const std::string& arm,
                                   const std::vector<double>& rates, double good);

// An arm at its own best rate: for each seed the rate at which the mean over the OTHER seeds is best, so that
// a seed is not judged at the rate that it chose itself. Where there is no number at `path`, as for steps to
// a target that was not reached, `missing` counts.
struct AtBestRate {
  std::vector<double> values;  // one a seed
  double rate;                 // the best over all seeds
  bool at_edge;                // the first or last of the rates: a better one may lie outside
  Index diverged;              // seeds that diverged at `rate`
  bool none_trains;            // every seed diverged at every rate: no rate is best
  // With words like ", best rate": ", best rate 0.3", ", best rate 3, at the edge of the rates" or ", best
  // rate 0.3 (1 of 5 diverged)"; ", no rate trains" whatever the words where that is so.
  std::string shown(const std::string& words) const;
};
AtBestRate at_best_rate(const Results& results, const std::string& arm, const std::vector<double>& rates,
                        const std::string& path = "accuracy", bool largest = true, double missing = 0.1);

// A number of a trial, with how many seeds diverged in its label.
Number number_of(const Results& results, const std::string& words, const std::string& label,
                 const std::string& path = "accuracy", std::optional<Expectation> expected = {});

// Values at a path, with `missing` where there is none.
std::vector<double> values_or(const Results& results, const std::string& label, const std::string& path,
                              double missing);

// An arm's number at `path` over the rates.
Series over_rates(const Results& results, const std::string& arm, const std::vector<double>& rates,
                  const std::string& path);

double mean_of(const std::vector<double>& values);

// For sentences: two significant digits, without an exponent.
std::string rounded(double value);
// "3,000"
std::string with_commas(Index value);
// "97.6 %"
std::string percent(double share);
std::string percent(const std::vector<double>& shares);

}  // namespace keel::study
