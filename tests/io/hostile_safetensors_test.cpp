// Files that were made to do harm.
#include <gtest/gtest.h>

#include "io/support.h"

namespace keel::io {
namespace {

using testing::length_field;
using testing::parse;
using testing::raw_file;
using testing::refusal;

// One tensor of 4 bytes of data.
std::string tensor_file(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return raw_file(
      R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
      "1234");
}

// Two float32 of one element each, at the given offsets of 8 bytes.
std::string two_tensors(const std::string& first, const std::string& second) {
  const auto entry = [](const std::string& name, const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}";
  };
  return raw_file("{" + entry("a", first) + "," + entry("b", second) + "}", "12345678");
}

TEST(HostileSafetensors, HeaderLengths) {
  const std::string kOther =
      "a safetensors file expected, found one of another kind: no header begins with '{' at byte 8";
  EXPECT_EQ(refusal("root:x:0:0:root:/root:/bin/bash\n"), kOther);
  EXPECT_EQ(refusal(""), "a safetensors file of at least 8 bytes expected, found 0");
  EXPECT_EQ(refusal(length_field(3) + "{}"), "a safetensors header of at most 2 bytes expected, found 3");
  EXPECT_EQ(refusal(length_field(~0ULL) + "{}"),
            "a safetensors header of at most 2 bytes expected, found 18446744073709551615");
  EXPECT_EQ(refusal(length_field(0)), kOther);
  EXPECT_EQ(refusal(raw_file(" {}")), kOther);
  EXPECT_EQ(refusal(length_field(100'000'001) + std::string(100'000'001, '{')),
            "a safetensors header of at most 100000000 bytes expected, found 100000001");
}

TEST(HostileSafetensors, BrokenJson) {
  EXPECT_EQ(refusal(raw_file("{\"a\":")),
            "JSON in UTF-8 expected as the header, found an error at its byte 6");
  EXPECT_EQ(refusal(raw_file("{}x")), "JSON in UTF-8 expected as the header, found an error at its byte 3");
  EXPECT_EQ(refusal(raw_file("{}{}")), "JSON in UTF-8 expected as the header, found an error at its byte 3");
  EXPECT_EQ(refusal(raw_file("{\"\xff\":{}}")),
            "JSON in UTF-8 expected as the header, found an error at its byte 3");
  EXPECT_EQ(refusal(raw_file("{\"a\0\":{}}")),
            "JSON in UTF-8 expected as the header, found an error at its byte 4");
}

TEST(HostileSafetensors, OtherJson) {
  EXPECT_EQ(refusal(raw_file(R"({"a":1})")), "an object as 'a' expected, found 1");
  EXPECT_EQ(refusal(raw_file(R"({"a":null})")), "an object as 'a' expected, found null");
  EXPECT_EQ(refusal(raw_file(R"({"a":[]})")), "an object as 'a' expected, found an array");
  EXPECT_EQ(refusal(raw_file(R"({"":{}})")), "names of at least one character expected, found an empty one");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"x":1}})")),
            "'dtype', 'shape' and 'data_offsets' expected of 'a', found 'x'");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"dtype":"F32","shape":[]}})")),
            "'dtype', 'shape' and 'data_offsets' expected of 'a', found no 'data_offsets'");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"dtype":7}})")), "text as 'dtype' of 'a' expected, found 7");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"dtype":["F32"]}})")),
            "text as 'dtype' of 'a' expected, found an array");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"shape":"[1]"}})")),
            "an array as 'shape' of 'a' expected, found the text '[1]'");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"shape":{}}})")),
            "an array as 'shape' of 'a' expected, found an object");
  EXPECT_EQ(refusal(raw_file(R"({"__metadata__":{"k":1}})")), "text as the metadata 'k' expected, found 1");
  EXPECT_EQ(refusal(raw_file(R"({"__metadata__":{"k":{}}})")),
            "text as the metadata 'k' expected, found an object");
  EXPECT_EQ(refusal(raw_file(R"({"__metadata__":"k"})")),
            "an object as '__metadata__' expected, found the text 'k'");
}

TEST(HostileSafetensors, RepeatedKeys) {
  const std::string entry = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  EXPECT_EQ(refusal(raw_file(R"({"a":)" + entry + R"(,"a":)" + entry + "}")),
            "each name once expected, found 'a' twice");
  EXPECT_EQ(refusal(raw_file(R"({"a":{"dtype":"F32","dtype":"F32"}})")),
            "each key of 'a' once expected, found 'dtype' twice");
  EXPECT_EQ(refusal(raw_file(R"({"__metadata__":{"k":"1","k":"2"}})")),
            "each key of '__metadata__' once expected, found 'k' twice");
  EXPECT_EQ(refusal(raw_file(R"({"__metadata__":{},"__metadata__":{}})")),
            "each name once expected, found '__metadata__' twice");
}

TEST(HostileSafetensors, DeepNesting) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = "{\"a\":{\"shape\":";
    for (int i = 0; i < 1'000'000; ++i) deep += open;
    EXPECT_NE(refusal(raw_file(deep)).find(" expected, found an "), std::string::npos);
  }
}

TEST(HostileSafetensors, Numbers) {
  const auto shape = [](const std::string& text) { return refusal(tensor_file("F32", text, "[0,4]")); };
  EXPECT_EQ(shape("[-1]"), "integers >= 0 as 'shape' of 'a' expected, found -1");
  EXPECT_EQ(shape("[1.0]"), "integers >= 0 as 'shape' of 'a' expected, found 1.0");
  EXPECT_EQ(shape("[1e400]"), "JSON in UTF-8 expected as the header, found an error at its byte 34");
  EXPECT_EQ(shape("[[1]]"), "integers >= 0 as 'shape' of 'a' expected, found an array");
  EXPECT_EQ(shape("[\"1\"]"), "integers >= 0 as 'shape' of 'a' expected, found the text '1'");
  EXPECT_EQ(shape("[9223372036854775808]"),
            "a number below 2^63 expected in 'shape' of 'a', found 9223372036854775808");
  EXPECT_EQ(shape("[99999999999999999999]"),
            "integers >= 0 as 'shape' of 'a' expected, found 99999999999999999999");
  EXPECT_EQ(shape("[1,1,1,1,1,1,1,1,1]"), "at most 8 numbers expected as 'shape' of 'a'");
}

TEST(HostileSafetensors, ShapesThatOverflow) {
  const auto shape = [](const std::string& text) { return refusal(tensor_file("F32", text, "[0,4]")); };
  EXPECT_EQ(shape("[4294967296,4294967296]"),
            "a shape whose elements can be counted expected of 'a', found [4294967296,4294967296]");
  EXPECT_EQ(shape("[4294967296,4294967296,0]"),
            "a shape whose elements can be counted expected of 'a', found [4294967296,4294967296,0]");
  EXPECT_EQ(shape("[0,4294967296,4294967296]"),
            "a shape whose elements can be counted expected of 'a', found [0,4294967296,4294967296]");
  // 2^62 + 1 elements are 4 bytes, if bytes are counted modulo 2^64.
  EXPECT_EQ(
      shape("[4611686018427387905]"),
      "4611686018427387905 elements of 4 bytes expected of 'a' from its shape [4611686018427387905], found 4 "
      "bytes");
}

TEST(HostileSafetensors, Offsets) {
  const auto offsets = [](const std::string& text) { return refusal(tensor_file("F32", "[1]", text)); };
  EXPECT_EQ(offsets("[0,4]"), "no error");
  EXPECT_EQ(offsets("[0,8]"), "offsets of 'a' within the 4 bytes of data expected, found [0,8]");
  EXPECT_EQ(offsets("[4,0]"), "offsets of 'a' within the 4 bytes of data expected, found [4,0]");
  EXPECT_EQ(
      offsets("[9223372036854775807,9223372036854775807]"),
      "offsets of 'a' within the 4 bytes of data expected, found [9223372036854775807,9223372036854775807]");
  EXPECT_EQ(offsets("[0]"), "2 numbers expected as 'data_offsets' of 'a', found 1");
  EXPECT_EQ(offsets("[0,4,4]"), "at most 2 numbers expected as 'data_offsets' of 'a'");
  EXPECT_EQ(offsets("[0,3]"), "1 elements of 4 bytes expected of 'a' from its shape [1], found 3 bytes");
  EXPECT_EQ(refusal(tensor_file("F32", "[2]", "[0,4]")),
            "2 elements of 4 bytes expected of 'a' from its shape [2], found 4 bytes");
  EXPECT_EQ(refusal(tensor_file("U8", "[3]", "[0,3]")), "3 bytes of data expected from the header, found 4");
  EXPECT_EQ(refusal(tensor_file("U8", "[3]", "[1,4]")),
            "data without gaps and overlaps expected: 'a' at 0, found at 1");
  EXPECT_EQ(refusal(two_tensors("[4,8]", "[0,4]")), "no error");
  EXPECT_EQ(refusal(two_tensors("[0,4]", "[0,4]")),
            "data without gaps and overlaps expected: 'b' at 4, found at 0");
  EXPECT_EQ(refusal(two_tensors("[0,4]", "[2,6]")),
            "data without gaps and overlaps expected: 'b' at 4, found at 2");
}

TEST(HostileSafetensors, ElementTypes) {
  for (const char* dtype : {"BOOL", "I8", "I16", "U16", "U32", "U64", "F8_E4M3", "C64", "f32", ""}) {
    EXPECT_EQ(
        refusal(tensor_file(dtype, "[1]", "[0,4]")),
        std::string("dtype F32, F64, F16, BF16, I32, I64 or U8 expected of 'a', found '") + dtype + "'");
  }
  const std::string header = R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
  EXPECT_EQ(refusal(raw_file(header, std::string("\0\0\0\x80\0\0\0\0", 8))),
            "integers that fit into 32 bits expected in 'a', found 2147483648");
  EXPECT_EQ(refusal(raw_file(header, std::string("\0\0\0\x80\xff\xff\xff\xff", 8))), "no error");
}

TEST(HostileSafetensors, NamesThatAreLongOrNotToBePrinted) {
  const std::string header = R"({"a\n\u001b)" + std::string(1000, 'b') + R"(":1})";
  EXPECT_EQ(refusal(raw_file(header)),
            "names in UTF-8 without control characters expected, found 'a??" + std::string(77, 'b') + "...'");
  const std::string accents = R"({"\u00e9\u00e9)" + std::string(1000, 'b') + R"(":1})";
  EXPECT_EQ(refusal(raw_file(accents)),
            "an object as '\u00e9\u00e9" + std::string(76, 'b') + "...' expected, found 1");
}

}  // namespace
}  // namespace keel::io
