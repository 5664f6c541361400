// What a JSON text from outside may be.
#include "keel/io/json_text.h"

#include <gtest/gtest.h>

#include "keel/core/error.h"
#include "support/errors.h"

namespace keel::io {
namespace {

std::string problem(const std::string& text, const JsonLimits& limits = {}) {
  return keel::testing::message_of<FileError>([&] { check_json(text, "f.json", limits); });
}

TEST(JsonText, OrdinaryTextsPass) {
  for (const char* text :
       {"0", "null", "[]", "{}", "[1,-2.5e3,true,\"\\u00e9\"]", R"({"a":{"a":[{"a":1}]},"b":""})"}) {
    EXPECT_NO_THROW(check_json(text, "f.json")) << text;
  }
}

TEST(JsonText, SaysWhatIsNoJson) {
  EXPECT_EQ(problem("{"),
            "f.json: expected JSON: parse error at line 1, column 2: syntax error while parsing object key - "
            "unexpected end of input; expected string literal");
  for (const char* text :
       {"", "nan", "{}{}", "[1e999]", "{\"a\":1} // note", "\"\xff\"", "\"\\ud800\"", "[1,]"}) {
    EXPECT_TRUE(problem(text).starts_with("f.json: expected JSON: ")) << text;
  }
}

TEST(JsonText, AKeyIsGivenOnce) {
  EXPECT_EQ(problem(R"([{"a":1,"b":{"a":1},"\u0061":2}])"),
            "f.json: the key \"a\" is given twice in one object");
  EXPECT_EQ(problem("{\"\\n\xc3\xa9\":1,\"\\n\xc3\xa9\":2}"),
            "f.json: the key \"\\n\\u00e9\" is given twice in one object");
}

TEST(JsonText, TheLimitsHold) {
  EXPECT_NO_THROW(check_json("[[{}]]", "f.json", {.depth = 3}));
  EXPECT_EQ(problem("[[{}]]", {.depth = 2}), "f.json: expected JSON nested at most 2 deep");
  EXPECT_EQ(problem(std::string(1000000, '[')), "f.json: expected JSON nested at most 64 deep");
  EXPECT_NO_THROW(check_json("[1,2]", "f.json", {.bytes = 5}));
  EXPECT_EQ(problem("[1,2]", {.bytes = 4}), "f.json: expected at most 4 bytes of JSON, found 5");
  EXPECT_NO_THROW(check_json(R"({"a":1,"b":{"c":1,"d":2}})", "f.json", {.keys = 2}));
  EXPECT_EQ(problem(R"({"a":1,"b":1,"c":1})", {.keys = 2}), "f.json: expected at most 2 keys in an object");
}

}  // namespace
}  // namespace keel::io
