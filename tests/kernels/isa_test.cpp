// Which level runs is decided once, at the first kernel: each case needs a process of its own.
#include "kernels/dispatch/isa.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace keel::kernels {
namespace {

class IsaDeathTest : public ::testing::Test {
 protected:
  // "threadsafe" starts the program anew for each case, instead of forking one where the level is known.
  IsaDeathTest() { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }

  [[noreturn]] static void print_level_with(const char* wanted) {
    ::setenv("KEEL_ISA", wanted, 1);
    try {
      std::fprintf(stderr, "runs at %s\n", kIsaNames[isa_level()]);
    } catch (const std::invalid_argument& error) {
      std::fprintf(stderr, "refused: %s\n", error.what());
      std::exit(1);
    }
    std::exit(0);
  }
};

TEST_F(IsaDeathTest, AnUnknownNameIsRefusedWithOneClearLine) {
  const std::string expected =
      fmt::format("^refused: KEEL_ISA=bogus: expected a level up to {}, the best of this processor\n$",
                  kIsaNames[best_isa_level()]);
  EXPECT_EXIT(print_level_with("bogus"), ::testing::ExitedWithCode(1), expected);
}

TEST_F(IsaDeathTest, EveryLevelOfThisProcessorCanBeForcedAndNoneAbove) {
  for (int level = 0; level < kNumIsaLevels; ++level) {
    const char* const name = kIsaNames[level];
    if (level <= best_isa_level()) {
      EXPECT_EXIT(print_level_with(name), ::testing::ExitedWithCode(0), fmt::format("^runs at {}\n$", name));
    } else {
      EXPECT_EXIT(print_level_with(name), ::testing::ExitedWithCode(1),
                  fmt::format("^refused: KEEL_ISA={}: ", name));
    }
  }
}

TEST_F(IsaDeathTest, NothingForcedIsTheBest) {
  EXPECT_EXIT(print_level_with(""), ::testing::ExitedWithCode(0),
              fmt::format("^runs at {}\n$", kIsaNames[best_isa_level()]));
}

}  // namespace
}  // namespace keel::kernels
