#include "server.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace keel::bench {
namespace {

using nlohmann::ordered_json;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Keeps the repetitions of each benchmark.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    ordered_json result;
    std::vector<double> seconds;
    std::map<std::string, std::vector<double>> counters;
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) return;  // means and such of the runs before
      result["name"] = run.run_name.function_name;
      if (run.error_occurred) result["error"] = run.error_message;
      if (run.error_occurred || run.iterations == 0) continue;
      seconds.push_back(run.real_accumulated_time / static_cast<double>(run.iterations));
      for (const auto& [name, counter] : run.counters) counters[name].push_back(counter.value);
    }
    result["seconds"] = seconds;
    for (const auto& [name, values] : counters) result["counters"][name] = median(values);
    results_.push_back(result);
  }

  ordered_json take() { return std::exchange(results_, ordered_json::array()); }

 private:
  ordered_json results_ = ordered_json::array();
};

}  // namespace

void serve(std::istream& in, std::ostream& out) {
  for (std::string filter; std::getline(in, filter);) {
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector, filter);
    out << collector.take().dump() << std::endl;
  }
}

}  // namespace keel::bench
