#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace keel {
namespace {

TEST(Utf8, PrintableTextPasses) {
  for (const char* text : {"", "cat", "a b", "\"\\", "~", "\u00a0", "\u00e9", "\u07ff", "\u0800", "\ud7ff",
                           "\ue000", "\uffff", "\U00010000", "\U0010ffff"}) {
    EXPECT_TRUE(is_printable_utf8(text)) << text;
  }
}

TEST(Utf8, ControlCharactersAndBrokenTextDoNot) {
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("\n"), std::string("\x1b[2J"), std::string("\x7f"),
        // U+0080 and U+009F, the second of which begins commands on some terminals
        std::string("\xc2\x80"), std::string("\xc2\x9f"),
        // cut, a continuation alone, too long, a surrogate, beyond the last
        std::string("a\xc3"), std::string("\xe2\x82"), std::string("\xf0\x9f\x98"), std::string("\x80"),
        std::string("\xc1\xbf"), std::string("\xe0\x9f\xbf"), std::string("\xf0\x8f\xbf\xbf"),
        std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"), std::string("\xf5\x80\x80\x80"),
        std::string("\xff")}) {
    EXPECT_FALSE(is_printable_utf8(text)) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace keel
