#include "support/command_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cxxopts.hpp>
#include <map>
#include <set>
#include <stdexcept>

#include "keel/core/build_info.h"
#include "keel/core/did_you_mean.h"

namespace keel::apps {
namespace {

// Before anything else: the first kernel may run long after, or on a thread where nobody catches.
void require_usable_isa() {
  try {
    build_info();
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

int run_program(const std::function<int()>& body) {
  try {
    require_usable_isa();
    const int status = body();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw FileError("cannot write to the standard output: what was to be read there is lost");
    }
    return status;
  } catch (const UsageError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

struct CommandLine::Parsed {
  Parsed(const std::string& program_name, const std::string& description)
      : program(program_name), options(program_name, description) {}

  std::string program;
  cxxopts::Options options;
  std::vector<std::string> order;  // options with values
  std::set<std::string> flags;
  std::map<std::string, std::string> values;
  std::set<std::string> values_given;
  std::set<std::string> flags_given;

  struct Positional {
    std::string name;
    std::string help;
    std::size_t least;
    std::size_t most;
    std::vector<std::string> values = {};
  };
  std::vector<Positional> positional;

  // "CHECKPOINT IMAGE..."
  std::string positional_usage() const {
    std::vector<std::string> names;
    for (const Positional& p : positional) names.push_back(p.name + (p.most > 1 ? "..." : ""));
    return fmt::format("{}", fmt::join(names, " "));
  }
};

CommandLine::CommandLine(std::string program, std::string description)
    : parsed_(std::make_unique<Parsed>(program, description)) {
  parsed_->options.set_width(100);
  parsed_->options.add_options()("h,help", "Print this text");
  parsed_->flags.insert("help");
  add_flag("version", "Print the version and what it was built from");
}

CommandLine::~CommandLine() = default;

void CommandLine::add(const std::string& name, const std::string& value, const std::string& fallback,
                      const std::string& help) {
  parsed_->options.add_options()(name, help, cxxopts::value<std::string>()->default_value(fallback), value);
  parsed_->order.push_back(name);
}

void CommandLine::add_flag(const std::string& name, const std::string& help) {
  parsed_->options.add_options()(name, help);
  parsed_->flags.insert(name);
}

void CommandLine::add_positional(const std::string& name, const std::string& help, std::size_t least,
                                 std::size_t most) {
  parsed_->positional.push_back({name, help, least, most});
  parsed_->options.custom_help("[OPTION...] " + parsed_->positional_usage());
}

std::vector<std::string> CommandLine::names() const {
  std::vector<std::string> all(parsed_->flags.begin(), parsed_->flags.end());
  all.insert(all.end(), parsed_->order.begin(), parsed_->order.end());
  return all;
}

std::vector<std::string> CommandLine::require_known(int argc, const char* const* argv) const {
  const std::vector<std::string> known = names();
  std::set<std::string> seen;
  std::vector<std::string> positional;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "-h") continue;
    if (argument == "--") {
      positional.insert(positional.end(), argv + i + 1, argv + argc);
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      positional.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name =
        argument.starts_with("--") ? argument.substr(2, equals - 2) : argument.substr(1, equals - 1);
    if (!argument.starts_with("--") || std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(fmt::format("unknown option '{}'{} (--help lists all)", argument,
                                   did_you_mean(name, known, "--{}")));
    }
    if (!seen.insert(name).second) throw UsageError(fmt::format("--{} is given twice", name));
    const bool takes_value = parsed_->flags.count(name) == 0;
    if (takes_value && equals == std::string::npos && ++i >= argc) {
      throw UsageError(fmt::format("--{} expects a value", name));
    }
    if (!takes_value && equals != std::string::npos)
      throw UsageError(fmt::format("--{} takes no value", name));
  }
  std::size_t most = 0;
  // Any number of them is the largest there is: sums must not wrap around.
  for (const auto& p : parsed_->positional) most += std::min(p.most, positional.size());
  if (positional.size() > most) {
    throw UsageError(fmt::format(
        "unexpected argument '{}': {}", positional[most],
        most == 0 ? "every value follows its option" : "expected " + parsed_->positional_usage()));
  }
  return positional;
}

void CommandLine::take_positional(std::vector<std::string> arguments) {
  auto next = arguments.begin();
  for (auto& p : parsed_->positional) {
    while (next != arguments.end() && p.values.size() < p.most) p.values.push_back(std::move(*next++));
    if (p.values.size() < p.least) {
      throw UsageError(
          fmt::format("{} expected: {} {}", p.name, parsed_->program, parsed_->positional_usage()));
    }
  }
}

bool CommandLine::parse(int argc, const char* const* argv) {
  std::vector<std::string> positional = require_known(argc, argv);
  try {
    const cxxopts::ParseResult result = parsed_->options.parse(argc, argv);
    for (const std::string& name : parsed_->order) {
      parsed_->values[name] = result[name].as<std::string>();
      if (result.count(name) > 0) parsed_->values_given.insert(name);
    }
    for (const std::string& name : parsed_->flags) {
      if (result.count(name) > 0) parsed_->flags_given.insert(name);
    }
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(error.what());
  }
  if (flag("help")) {
    fmt::print("{}", parsed_->options.help());
    if (!parsed_->positional.empty()) fmt::print("\n");
    for (const auto& p : parsed_->positional) fmt::print("  {:<12} {}\n", p.name, p.help);
  }
  if (flag("version") && !flag("help")) {
    const BuildInfo info = build_info();
    fmt::print("{} {} ({}, {}, {})\n", parsed_->program, info.version, info.compiler, info.build_type,
               info.isa);
  }
  if (flag("help") || flag("version")) return false;
  take_positional(std::move(positional));
  return true;
}

bool CommandLine::knows(const std::string& name) const {
  return parsed_->values.count(name) > 0 || parsed_->flags.count(name) > 0;
}

bool CommandLine::given(const std::string& name) const {
  return parsed_->values_given.count(name) > 0 || parsed_->flags_given.count(name) > 0;
}

void CommandLine::set_fallback(const std::string& name, const nlohmann::ordered_json& value) {
  if (given(name)) return;
  if (parsed_->flags.count(name) == 0) {
    parsed_->values.at(name) = value.is_string() ? value.get<std::string>() : value.dump();
  } else if (value == true) {
    parsed_->flags_given.insert(name);
  }
}

const std::vector<std::string>& CommandLine::positional(const std::string& name) const {
  const auto named = [&](const auto& p) { return p.name == name; };
  return std::find_if(parsed_->positional.begin(), parsed_->positional.end(), named)->values;
}

bool CommandLine::flag(const std::string& name) const { return parsed_->flags_given.count(name) > 0; }

const std::string& CommandLine::text(const std::string& name) const { return parsed_->values.at(name); }

const std::string& CommandLine::choice(const std::string& name,
                                       const std::vector<std::string>& choices) const {
  const std::string& value = text(name);
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    throw UsageError(
        fmt::format("--{}: expected one of {}, found '{}'", name, fmt::join(choices, ", "), value));
  }
  return value;
}

Index CommandLine::integer(const std::string& name, Index least, Index most) const {
  const std::string& value = text(name);
  Index number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < least || number > most) {
    const bool bounded = most < std::numeric_limits<Index>::max() || error == std::errc::result_out_of_range;
    const std::string range =
        bounded ? fmt::format("from {} to {}", least, most) : fmt::format("of at least {}", least);
    throw UsageError(fmt::format("--{}: expected a whole number {}, found '{}'", name, range, value));
  }
  return number;
}

double CommandLine::real(const std::string& name, const std::string& expected,
                         const std::function<bool(double)>& accept) const {
  const std::string& value = text(name);
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number) ||
      !accept(number)) {
    throw UsageError(fmt::format("--{}: expected {}, found '{}'", name, expected, value));
  }
  return number;
}

nlohmann::ordered_json CommandLine::resolved() const {
  nlohmann::ordered_json all;
  for (const std::string& name : parsed_->order) {
    const std::string& value = text(name);
    // Parsed as JSON, which has numbers only as options do; anything else stays text.
    const auto number = nlohmann::ordered_json::parse(value, nullptr, false);
    all[name] = number.is_number() ? number : nlohmann::ordered_json(value);
  }
  for (const std::string& name : parsed_->flags) {
    if (name != "help" && name != "version") all[name] = flag(name);
  }
  return all;
}

}  // namespace keel::apps
