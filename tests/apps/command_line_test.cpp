#include "support/command_line.h"

#include <gtest/gtest.h>

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

TEST(CommandLine, TakesNoArgumentsThatBelongToNoOption) {
  CommandLine command("prog", "Does things.");
  const std::vector<const char*> argv = {"prog", "a"};
  EXPECT_EQ(message_of<UsageError>([&] { command.parse(2, argv.data()); }),
            "unexpected argument 'a': every value follows its option");
}

}  // namespace
}  // namespace keel::apps
