#include "support/command_line.h"

#include <gtest/gtest.h>

#include <sstream>

#include "support/errors.h"

namespace keel::apps {
namespace {

using keel::testing::message_of;
using Texts = std::vector<std::string>;

// keel-predict CHECKPOINT IMAGE... [--top N] [--fold-bn]
class Positional : public ::testing::Test {
 protected:
  Positional() {
    command_.add("top", "N", "3", "How many");
    command_.add_flag("fold", "Fold");
    command_.add_positional("CHECKPOINT", "Where from");
    command_.add_positional("IMAGE", "What", 1, 3);
  }
  bool parse(const Texts& arguments) {
    std::vector<const char*> argv = {"prog"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return command_.parse(static_cast<int>(argv.size()), argv.data());
  }
  std::string refusal(const Texts& arguments) {
    return message_of<UsageError>([&] { parse(arguments); });
  }
  CommandLine command_{"prog", "Does things."};
};

TEST_F(Positional, StandAmongOptions) {
  ASSERT_TRUE(parse({"a", "--top", "5", "b", "--fold", "-"}));
  EXPECT_EQ(command_.positional("CHECKPOINT"), Texts{"a"});
  EXPECT_EQ(command_.positional("IMAGE"), (Texts{"b", "-"}));
  EXPECT_EQ(command_.integer("top", 1), 5);
  EXPECT_TRUE(command_.flag("fold"));
}

TEST_F(Positional, BeginWithDashesBehindTwoDashes) {
  ASSERT_TRUE(parse({"--fold", "a", "--", "--top", "-h"}));
  EXPECT_EQ(command_.positional("CHECKPOINT"), Texts{"a"});
  EXPECT_EQ(command_.positional("IMAGE"), (Texts{"--top", "-h"}));
  EXPECT_EQ(command_.integer("top", 1), 3);
}

TEST_F(Positional, TooFew) {
  EXPECT_EQ(refusal({}), "CHECKPOINT expected: prog CHECKPOINT IMAGE...");
  EXPECT_EQ(refusal({"a"}), "IMAGE expected: prog CHECKPOINT IMAGE...");
}

TEST_F(Positional, TooMany) {
  EXPECT_EQ(refusal({"a", "b", "c", "d", "e"}), "unexpected argument 'e': expected CHECKPOINT IMAGE...");
}

TEST_F(Positional, NotAskedForWithHelp) {
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(parse({"--help"}));
  const std::string help = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(help.find("prog [OPTION...] CHECKPOINT IMAGE...\n"), std::string::npos) << help;
  EXPECT_TRUE(help.ends_with("\n\n  CHECKPOINT   Where from\n  IMAGE        What\n")) << help;
}

TEST(CommandLineHelp, HasGroupsInTheirOrderWithinEightyColumns) {
  CommandLine command("prog", "Does things.\n");
  command.begin_group("Run");
  command.add("out", "DIR", "", "Where to, " + std::string(30, 'x') + " and " + std::string(30, 'y'));
  command.begin_group("Data");
  command.add_flag("fold", "Fold");
  command.add_positional("IN", "Where from: " + std::string(40, 'x') + " or " + std::string(40, 'y'));
  const std::vector<const char*> argv = {"prog", "--help"};
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(command.parse(2, argv.data()));
  const std::string help = ::testing::internal::GetCapturedStdout();
  const std::size_t run = help.find("\n Run options:\n"), data = help.find("\n Data options:\n");
  EXPECT_LT(run, data) << help;
  EXPECT_LT(data, help.find("  -h, --help ")) << help;
  EXPECT_EQ(help.find("(default: \"\")"), std::string::npos) << help;
  EXPECT_NE(help.find("--no-NAME"), std::string::npos) << help;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

class CommandLineRecord : public ::testing::Test {
 protected:
  CommandLineRecord() {
    command_.add("name", "NAME", "none", "What it is called");
    command_.add_number("rate", "R|auto", "auto", "How fast");
    command_.add_flag("fold", "Fold");
  }
  void parse(const Texts& arguments) {
    std::vector<const char*> argv = {"prog"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    ASSERT_TRUE(command_.parse(static_cast<int>(argv.size()), argv.data()));
  }
  CommandLine command_{"prog", "Does things."};
};

TEST_F(CommandLineRecord, HasNumbersWhereOptionsAreNumbers) {
  parse({"--name", "0.50", "--rate=1e-3", "--fold"});
  EXPECT_EQ(command_.resolved().dump(), R"({"name":"0.50","rate":0.001,"fold":true})");
  parse({"--name=7", "--rate", "auto", "--fold=false"});
  EXPECT_EQ(command_.resolved().dump(), R"({"name":"7","rate":"auto","fold":false})");
}

TEST_F(CommandLineRecord, TellsValuesFromWhatWasGiven) {
  parse({"--no-fold"});
  command_.set_fallback("fold", true);
  command_.set_fallback("rate", 0.25);
  EXPECT_TRUE(command_.given("fold"));
  EXPECT_FALSE(command_.flag("fold"));
  EXPECT_FALSE(command_.given("rate"));
  EXPECT_EQ(command_.text("rate"), "0.25");
  command_.only_if(true, "rate", "otherwise");
  EXPECT_EQ(command_.text("rate"), "0.25");
  command_.only_if(false, "rate", "otherwise");
  EXPECT_EQ(command_.text("rate"), "auto");
  EXPECT_EQ(message_of<UsageError>([&] { command_.only_if(false, "fold", "otherwise"); }),
            "--fold: expected otherwise");
}

TEST(CommandLine, TakesNoArgumentsThatBelongToNoOption) {
  CommandLine command("prog", "Does things.");
  const std::vector<const char*> argv = {"prog", "a"};
  EXPECT_EQ(message_of<UsageError>([&] { command.parse(2, argv.data()); }),
            "unexpected argument 'a': every value follows its option");
}

}  // namespace
}  // namespace keel::apps
