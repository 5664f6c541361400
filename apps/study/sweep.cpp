#include "study/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "study/compare.h"

namespace keel::study {

std::string at_rate(const std::string& arm, double learning_rate) {
  return fmt::format("{} lr {:g}", arm, learning_rate);
}

std::vector<double> values_or(const Results& results, const std::string& label, const std::string& path,
                              double missing) {
  std::vector<double> values = results.values(label, path);
  std::replace_if(
      values.begin(), values.end(), [](double value) { return std::isnan(value); }, missing);
  return values;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string rounded(double value) {
  if (!std::isfinite(value) || value == 0) return fmt::format("{:g}", value);
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 1);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(unit) + 0.5)));
  return fmt::format("{:.{}f}", std::round(value / unit) * unit, decimals);
}

std::string with_commas(Index value) {
  std::string digits = std::to_string(value);
  for (auto place = static_cast<Index>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

std::string percent(double share) {
  // As the pages round it: a mean of accuracies may lie halfway but for the last bits of its sum.
  const double thousandths = std::round(std::round(share * 1e6) / 1e3);
  return fmt::format("{:.1f} %", thousandths / 10);
}
std::string percent(const std::vector<double>& shares) { return percent(mean_of(shares)); }

std::vector<double> last_good_rate(const Results& results, const std::string& arm,
                                   const std::vector<double>& rates, double good) {
  std::vector<double> last;
  for (const double rate : rates) {
    const std::vector<double> accuracies = results.values(at_rate(arm, rate), "accuracy");
    last.resize(accuracies.size(), 0);
    for (std::size_t seed = 0; seed < accuracies.size(); ++seed) {
      if (accuracies[seed] >= good) last[seed] = std::max(last[seed], rate);
    }
  }
  return last;
}

AtBestRate at_best_rate(const Results& results, const std::string& arm, const std::vector<double>& rates,
                        const std::string& path, bool largest, double missing) {
  std::vector<std::vector<double>> by_rate;
  for (const double rate : rates) by_rate.push_back(values_or(results, at_rate(arm, rate), path, missing));
  const std::size_t seeds = by_rate.front().size();
  // `left_out` is no seed's place: the best over all.
  const auto best = [&](std::size_t left_out) {
    const auto score = [&](std::size_t rate) {
      double sum = 0;
      for (std::size_t seed = 0; seed < seeds; ++seed) sum += seed == left_out ? 0 : by_rate[rate][seed];
      return largest ? sum : -sum;
    };
    std::size_t place = 0;
    for (std::size_t rate = 1; rate < rates.size(); ++rate) place = score(rate) > score(place) ? rate : place;
    return place;
  };
  const std::size_t overall = best(seeds);
  const bool none_trains = std::all_of(rates.begin(), rates.end(), [&](double rate) {
    return results.diverged(at_rate(arm, rate)) == static_cast<Index>(seeds);
  });
  AtBestRate found = {.values = {},
                      .rate = rates[overall],
                      .at_edge = overall == 0 || overall + 1 == rates.size(),
                      .diverged = results.diverged(at_rate(arm, rates[overall])),
                      .none_trains = none_trains};
  for (std::size_t seed = 0; seed < seeds; ++seed) found.values.push_back(by_rate[best(seed)][seed]);
  return found;
}

std::string AtBestRate::shown(const std::string& words) const {
  if (none_trains) return ", no rate trains";
  const std::string edge = at_edge ? ", at the edge of the rates" : "";
  const std::string lost = diverged > 0 ? fmt::format(" ({} of {} diverged)", diverged, values.size()) : "";
  return fmt::format("{} {:g}{}{}", words, rate, edge, lost);
}

Number number_of(const Results& results, const std::string& words, const std::string& label,
                 const std::string& path, std::optional<Expectation> expected) {
  const std::vector<double> values = results.values(label, path);
  const Index diverged = results.diverged(label);
  const std::string remark = diverged > 0 ? fmt::format(" ({} of {} diverged)", diverged, values.size()) : "";
  return {words + remark, values, expected};
}

Series over_rates(const Results& results, const std::string& arm, const std::vector<double>& rates,
                  const std::string& path) {
  std::vector<std::string> labels;
  for (const double rate : rates) labels.push_back(at_rate(arm, rate));
  return over_trials(results, arm, rates, labels, path);
}

}  // namespace keel::study
