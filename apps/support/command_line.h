// Command-line options, checked when they are read, and the errors of a program.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "keel/core/error.h"
#include "keel/core/shape.h"

namespace keel::apps {

// Wrong usage: exit status 2. Everything else that fails ends with 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

// Runs a program's body and turns exceptions into one line on stderr and an exit status. KEEL_ISA in the
// environment is part of the usage: with a level that there is not, or not on this processor, nothing runs.
int run_program(const std::function<int()>& body);

// What an option takes. A number may have words beside it: auto, none, 10steps.
enum class OptionKind { text, number, flag };

class CommandLine {
 public:
  CommandLine(std::string program, std::string description);
  ~CommandLine();

  // Options that are added from now on stand under this title in --help.
  void begin_group(const std::string& title);
  // `value` is what --help calls the option's value, `fallback` its default in words the option itself would
  // take.
  void add(const std::string& name, const std::string& value, const std::string& fallback,
           const std::string& help);
  void add_number(const std::string& name, const std::string& value, const std::string& fallback,
                  const std::string& help);
  // Off unless it is given: --NAME or --NAME=true. --no-NAME and --NAME=false are for those that a record
  // sets.
  void add_flag(const std::string& name, const std::string& help);
  // Arguments without an option's name in front, which --help calls `name`: at least `least` and at most
  // `most` of them, behind those of the names that were added before. Only the last name may take more than
  // one. Behind "--" everything is such an argument, whatever it begins with.
  void add_positional(const std::string& name, const std::string& help, std::size_t least = 1,
                      std::size_t most = 1);

  // False if --help or --version was asked for, which has been printed then.
  //   throws: UsageError naming the option: unknown (with the nearest known name), without its value, given
  //   twice; an argument that belongs to no option, or too few of these
  bool parse(int argc, const char* const* argv);

  // Nothing if there is no such option.
  std::optional<OptionKind> kind(const std::string& name) const;
  // Whether it was given on the command line, whatever a record says.
  bool given(const std::string& name) const;
  // The value of an option that was not given, as resolved() has it, in place of its default. One that was
  // given keeps what it was given.
  void set_fallback(const std::string& name, const nlohmann::ordered_json& value);
  // For an option that means something in some cases only: in all others it has its default, whatever
  // set_fallback() said, and must not be given.
  //   throws: UsageError with `expected`, which says what the cases are, if it is
  void only_if(bool applies, const std::string& name, const std::string& expected);

  // The arguments of that name.
  const std::vector<std::string>& positional(const std::string& name) const;
  // Values of options.   throws: UsageError naming the option, what was expected and what was found
  bool flag(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  const std::string& choice(const std::string& name, const std::vector<std::string>& choices) const;
  Index integer(const std::string& name, Index least, Index most = std::numeric_limits<Index>::max()) const;
  // A finite number for which `accept` holds; `expected` says so in words.
  double real(const std::string& name, const std::string& expected,
              const std::function<bool(double)>& accept) const;

  // All options by name, in the order they were added, numbers as numbers: for the record of a run.
  //   throws: UsageError naming an option that is no text in UTF-8, as the record is
  nlohmann::ordered_json resolved() const;

 private:
  struct Option;
  struct Parsed;
  // The options with their values, flags in the form --NAME=true, and what else there is.
  struct Arguments {
    std::vector<std::string> options, positional;
  };
  //   throws: UsageError, see parse()
  Arguments require_known(int argc, const char* const* argv) const;
  std::string hint_for(const std::string& name) const;
  void add_option(const std::string& name, OptionKind kind, const std::string& value,
                  const std::string& fallback, const std::string& help);
  void take_positional(std::vector<std::string> arguments);
  void print_help() const;

  std::unique_ptr<Parsed> parsed_;
};

}  // namespace keel::apps
