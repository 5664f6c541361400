#include "benchmark_flags.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>

#include "support/command_line.h"

namespace keel::bench {
namespace {

constexpr const char* kBoolean = "true|false";
constexpr const char* kNumber = R"(\d+(\.\d*)?([eE][-+]?\d+)?)";
constexpr const char* kFormat = "console|json|csv";

struct Value {
  const char* pattern;
  const char* expected;
  bool optional = false;  // true, if the flag stands alone
};

const std::map<std::string, Value>& known_flags() {
  static const Value truth = {kBoolean, "true or false", true};
  static const std::map<std::string, Value> flags = {
      {"filter", {".*", "a regular expression"}},
      {"list_tests", truth},
      {"min_time", {kNumber, "seconds"}},
      {"min_warmup_time", {kNumber, "seconds"}},
      {"repetitions", {R"([1-9]\d{0,5})", "a whole number from 1 on"}},
      {"enable_random_interleaving", truth},
      {"report_aggregates_only", truth},
      {"display_aggregates_only", truth},
      {"format", {kFormat, "console, json or csv"}},
      {"out", {".+", "a file"}},
      {"out_format", {kFormat, "console, json or csv"}},
      {"color", {"auto|true|false", "auto, true or false"}},
      {"counters_tabular", truth},
      {"context", {"[^=,]+=[^,]*(,[^=,]+=[^,]*)*", "KEY=VALUE,..."}},
      {"time_unit", {"ns|us|ms|s", "ns, us, ms or s"}},
  };
  return flags;
}

constexpr std::string_view kPrefix = "--benchmark_";

void require_valid(const std::string& flag) {
  const std::size_t equals = flag.find('=');
  const auto found = known_flags().find(flag.substr(kPrefix.size(), equals - kPrefix.size()));
  if (found == known_flags().end()) {
    throw apps::UsageError(fmt::format("unknown option '{}' (--help lists all)", flag));
  }
  const Value& value = found->second;
  const std::string given = equals == std::string::npos ? "" : flag.substr(equals + 1);
  const bool alone = equals == std::string::npos;
  if (alone ? !value.optional : !std::regex_match(given, std::regex(value.pattern))) {
    throw apps::UsageError(
        fmt::format("--benchmark_{}: expected ={}, found '{}'", found->first, value.expected, given));
  }
  if (found->first != "filter") return;
  try {
    // A leading minus means all that do not match.
    std::regex(given.substr(given.starts_with('-') ? 1 : 0), std::regex::extended);
  } catch (const std::regex_error&) {
    throw apps::UsageError(
        fmt::format("--benchmark_filter: expected a regular expression, found '{}'", given));
  }
}

}  // namespace

bool is_benchmark_flag(const std::string& argument) { return argument.starts_with(kPrefix); }

void initialize_benchmark(const std::vector<std::string>& flags) {
  // It keeps pointers.
  static std::vector<std::string> words;
  words = {"keel-bench"};
  for (const std::string& flag : flags) {
    require_valid(flag);
    words.push_back(flag);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (count > 1) throw apps::UsageError(fmt::format("{}: Google Benchmark does not take it", arguments[1]));
}

}  // namespace keel::bench
