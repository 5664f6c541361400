#include "support/command_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cxxopts.hpp>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "keel/core/build_info.h"
#include "keel/core/did_you_mean.h"

namespace keel::apps {

using nlohmann::ordered_json;

namespace {

// Before anything else: the first kernel may run long after, or on a thread where nobody catches.
void require_usable_isa() {
  try {
    build_info();
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
}

const std::string kNo = "no-", kTrue = "true", kFalse = "false";

// Of the terminal, but no lines that are hard to follow.
std::size_t help_width() {
  constexpr unsigned short kUsual = 80, kLeast = 60, kMost = 100;
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? std::clamp(size.ws_col, kLeast, kMost) : kUsual;
}

// The text in lines that end before column `width`, of which all but the first begin at column `indent`.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::istringstream words(text);
  std::string lines;
  std::size_t column = indent;
  for (std::string word; words >> word;) {
    if (column > indent && column + 1 + word.size() >= width) {
      lines += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

template <typename T>
std::optional<T> number_in(const std::string& text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

ordered_json number_or_text(const std::string& text) {
  if (const auto number = number_in<Index>(text)) return *number;
  const auto number = number_in<double>(text);
  return number && std::isfinite(*number) ? ordered_json(*number) : ordered_json(text);
}

void require_utf8(const std::string& name, const std::string& value) {
  const std::string shown = ordered_json(value).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  if (ordered_json::parse(shown) == value) return;
  throw UsageError(fmt::format("--{}: expected a text in UTF-8, found {}", name, shown));
}

// Where nobody can be told, as stderr is closed, the status still says it: no exception on top of this one.
void say_error(const std::exception& error) noexcept { std::fprintf(stderr, "error: %s\n", error.what()); }

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
    say_error(error);
    return 2;
  } catch (const std::exception& error) {
    say_error(error);
    return 1;
  }
}

struct CommandLine::Option {
  OptionKind kind = OptionKind::text;
  std::string fallback;
  std::string value = fallback;
  bool given = false;
};

struct CommandLine::Parsed {
  Parsed(const std::string& program_name, const std::string& description)
      : program(program_name), options(program_name, description) {}

  std::string program;
  cxxopts::Options options;
  std::vector<std::string> groups = {""};  // as in --help, the last one being added to
  std::vector<std::string> order;
  std::map<std::string, Option> by_name;

  struct Positional {
    std::string name;
    std::string help;
    std::size_t least;
    std::size_t most;
    std::vector<std::string> values = {};
  };
  std::vector<Positional> positional;

  bool has_flag(const std::string& name) const {
    const auto found = by_name.find(name);
    return found != by_name.end() && found->second.kind == OptionKind::flag;
  }

  // "CHECKPOINT IMAGE..."
  std::string positional_usage() const {
    std::vector<std::string> names;
    for (const Positional& p : positional) names.push_back(p.name + (p.most > 1 ? "..." : ""));
    return fmt::format("{}", fmt::join(names, " "));
  }
};

CommandLine::CommandLine(std::string program, std::string description)
    : parsed_(std::make_unique<Parsed>(program, description)) {
  add_flag("help", "Print this text");
  add_flag("version", "Print the version and what it was built from");
}

CommandLine::~CommandLine() = default;

void CommandLine::begin_group(const std::string& title) { parsed_->groups.push_back(title); }

void CommandLine::add_option(const std::string& name, OptionKind kind, const std::string& value,
                             const std::string& fallback, const std::string& help) {
  const bool flag = kind == OptionKind::flag;
  auto type = flag ? cxxopts::value<bool>() : cxxopts::value<std::string>();
  // An empty default goes without saying.
  if (!flag && !fallback.empty()) type->default_value(fallback);
  parsed_->options.add_options(parsed_->groups.back())(name == "help" ? "h,help" : name, help, type, value);
  parsed_->order.push_back(name);
  parsed_->by_name[name] = {.kind = kind, .fallback = fallback};
}

void CommandLine::add(const std::string& name, const std::string& value, const std::string& fallback,
                      const std::string& help) {
  add_option(name, OptionKind::text, value, fallback, help);
}

void CommandLine::add_number(const std::string& name, const std::string& value, const std::string& fallback,
                             const std::string& help) {
  add_option(name, OptionKind::number, value, fallback, help);
}

void CommandLine::add_flag(const std::string& name, const std::string& help) {
  add_option(name, OptionKind::flag, "", kFalse, help);
}

void CommandLine::add_positional(const std::string& name, const std::string& help, std::size_t least,
                                 std::size_t most) {
  parsed_->positional.push_back({name, help, least, most});
  parsed_->options.custom_help("[OPTION...] " + parsed_->positional_usage());
}

std::string CommandLine::hint_for(const std::string& name) const {
  if (!name.starts_with(kNo)) return did_you_mean(name, parsed_->order, "--{}");
  std::vector<std::string> flags;
  for (const std::string& known : parsed_->order) {
    if (parsed_->has_flag(known)) flags.push_back(kNo + known);
  }
  return did_you_mean(name, flags, "--{}");
}

CommandLine::Arguments CommandLine::require_known(int argc, const char* const* argv) const {
  std::set<std::string> seen;
  Arguments found;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "-h") {
      found.options.push_back(argument);
      continue;
    }
    if (argument == "--") {
      found.positional.insert(found.positional.end(), argv + i + 1, argv + argc);
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      found.positional.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.find('=');
    const bool has_value = equals != std::string::npos;
    std::string name =
        argument.starts_with("--") ? argument.substr(2, equals - 2) : argument.substr(1, equals - 1);
    const bool negated = name.starts_with(kNo) && parsed_->has_flag(name.substr(kNo.size()));
    if (!argument.starts_with("--") || (!negated && parsed_->by_name.count(name) == 0)) {
      throw UsageError(fmt::format("unknown option '{}'{} (--help lists all)", argument, hint_for(name)));
    }
    if (negated && has_value) throw UsageError(fmt::format("--{} takes no value", name));
    if (negated) name.erase(0, kNo.size());
    if (!seen.insert(name).second) throw UsageError(fmt::format("--{} is given twice", name));
    std::string value = has_value ? argument.substr(equals + 1) : negated ? kFalse : kTrue;
    if (parsed_->has_flag(name)) {
      if (value != kTrue && value != kFalse) {
        throw UsageError(fmt::format("--{}: expected true or false, found '{}'", name, value));
      }
    } else if (!has_value) {
      if (++i >= argc) throw UsageError(fmt::format("--{} expects a value", name));
      value = argv[i];
    }
    found.options.push_back(fmt::format("--{}={}", name, value));
  }
  std::size_t most = 0;
  // Any number of them is the largest there is: sums must not wrap around.
  for (const auto& p : parsed_->positional) most += std::min(p.most, found.positional.size());
  if (found.positional.size() > most) {
    throw UsageError(fmt::format(
        "unexpected argument '{}': {}", found.positional[most],
        most == 0 ? "every value follows its option" : "expected " + parsed_->positional_usage()));
  }
  return found;
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

void CommandLine::print_help() const {
  const std::size_t width = help_width();
  parsed_->options.set_width(width);
  // Headed groups first; those without a title are for all programs.
  std::vector<std::string> groups(parsed_->groups.begin() + 1, parsed_->groups.end());
  groups.emplace_back("");
  fmt::print("{}", parsed_->options.help(groups));
  if (parsed_->order.size() > 2 &&
      std::any_of(parsed_->order.begin() + 2, parsed_->order.end(),
                  [&](const std::string& name) { return parsed_->has_flag(name); })) {
    constexpr const char* kFlags =
        "An option without a value is on as --NAME or --NAME=true, and off as --no-NAME or --NAME=false.";
    fmt::print("\n{}\n", wrapped(kFlags, 0, width));
  }
  if (!parsed_->positional.empty()) fmt::print("\n");
  for (const auto& p : parsed_->positional) {
    fmt::print("  {:<12} {}\n", p.name, wrapped(p.help, 15, width));
  }
}

bool CommandLine::parse(int argc, const char* const* argv) {
  Arguments arguments = require_known(argc, argv);
  std::vector<const char*> options = {parsed_->program.c_str()};
  for (const std::string& option : arguments.options) options.push_back(option.c_str());
  try {
    const auto result = parsed_->options.parse(static_cast<int>(options.size()), options.data());
    for (auto& [name, option] : parsed_->by_name) {
      option.given = result.count(name) > 0;
      if (!option.given) continue;
      option.value = option.kind != OptionKind::flag ? result[name].as<std::string>()
                     : result[name].as<bool>()       ? kTrue
                                                     : kFalse;
    }
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(error.what());
  }
  if (flag("help")) print_help();
  if (flag("version") && !flag("help")) {
    const BuildInfo info = build_info();
    fmt::print("{} {} ({}, {}, {})\n", parsed_->program, info.version, info.compiler, info.build_type,
               info.isa);
  }
  if (flag("help") || flag("version")) return false;
  take_positional(std::move(arguments.positional));
  return true;
}

std::optional<OptionKind> CommandLine::kind(const std::string& name) const {
  const auto found = parsed_->by_name.find(name);
  // What those ask for is done and over.
  if (found == parsed_->by_name.end() || name == "help" || name == "version") return std::nullopt;
  return found->second.kind;
}

bool CommandLine::given(const std::string& name) const { return parsed_->by_name.at(name).given; }

void CommandLine::set_fallback(const std::string& name, const ordered_json& value) {
  if (given(name)) return;
  parsed_->by_name.at(name).value = value.is_string() ? value.get<std::string>() : value.dump();
}

void CommandLine::only_if(bool applies, const std::string& name, const std::string& expected) {
  if (applies) return;
  if (given(name)) throw UsageError(fmt::format("--{}: expected {}", name, expected));
  Option& option = parsed_->by_name.at(name);
  option.value = option.fallback;
}

const std::vector<std::string>& CommandLine::positional(const std::string& name) const {
  const auto named = [&](const auto& p) { return p.name == name; };
  return std::find_if(parsed_->positional.begin(), parsed_->positional.end(), named)->values;
}

bool CommandLine::flag(const std::string& name) const { return text(name) == kTrue; }

const std::string& CommandLine::text(const std::string& name) const {
  return parsed_->by_name.at(name).value;
}

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
  const auto number = number_in<double>(value);
  if (!number || !std::isfinite(*number) || !accept(*number)) {
    throw UsageError(fmt::format("--{}: expected {}, found '{}'", name, expected, value));
  }
  return *number;
}

ordered_json CommandLine::resolved() const {
  ordered_json all;
  for (const std::string& name : parsed_->order) {
    const std::optional<OptionKind> kind_of_option = kind(name);
    if (!kind_of_option) continue;
    const std::string& value = text(name);
    require_utf8(name, value);
    all[name] = kind_of_option == OptionKind::flag     ? ordered_json(flag(name))
                : kind_of_option == OptionKind::number ? number_or_text(value)
                                                       : ordered_json(value);
  }
  return all;
}

}  // namespace keel::apps
