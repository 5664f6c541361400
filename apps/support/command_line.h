// Command-line options, checked when they are read, and the errors of a program.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
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

class CommandLine {
 public:
  CommandLine(std::string program, std::string description);
  ~CommandLine();

  // `value` is what --help calls the option's value, `fallback` its default in words the option itself would
  // take.
  void add(const std::string& name, const std::string& value, const std::string& fallback,
           const std::string& help);
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

  // Whether there is an option of that name, and whether it was given.
  bool knows(const std::string& name) const;
  bool given(const std::string& name) const;
  // The value of an option that was not given, as resolved() has it, in place of its default; of a flag, true
  // or false. One that was given keeps what it was given.
  void set_fallback(const std::string& name, const nlohmann::ordered_json& value);

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
  nlohmann::ordered_json resolved() const;

 private:
  struct Parsed;
  // Those that are not options or their values.   throws: UsageError, see parse()
  std::vector<std::string> require_known(int argc, const char* const* argv) const;
  void take_positional(std::vector<std::string> arguments);
  std::vector<std::string> names() const;

  std::unique_ptr<Parsed> parsed_;
};

}  // namespace keel::apps
