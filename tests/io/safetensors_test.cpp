#include "keel/io/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "io/support.h"
#include "support/check_module.h"
#include "support/temporary_directory.h"

namespace keel::io {
namespace {

using keel::testing::message_of;
using keel::testing::same_bits;
using testing::bytes_of;
using testing::parse;
using testing::raw_file;
using testing::text_of;

Safetensors example() {
  return {.metadata = {{"keel.version", "1"}, {"note", "a \"quoted\" \xc3\xa9\n"}},
          .tensors = {{"bytes", Tensor::from<std::uint8_t>({3}, {1, 2, 255})},
                      {"0.weight", Tensor::from<float>({2, 2}, {1, -2.5F, 1e-40F, INFINITY})},
                      {"none", Tensor::empty({0, 5})},
                      {"scalar", Tensor::full({}, 0.1, DType::float64)},
                      {"1.num_batches_tracked", Tensor::from<std::int32_t>({1}, {-7})}}};
}

void expect_same(const Safetensors& a, const Safetensors& b) {
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.stored_as_int64, b.stored_as_int64);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].name, b.tensors[i].name);
    EXPECT_TRUE(same_bits(a.tensors[i].tensor, b.tensors[i].tensor)) << a.tensors[i].name;
  }
}

TEST(Safetensors, ComesBackFromMemoryAndFromAFile) {
  const Safetensors content = example();
  const std::vector<std::byte> bytes = encode_safetensors(content);
  const Safetensors parsed = parse_safetensors(bytes, "f");
  expect_same(parsed, content);
  EXPECT_TRUE(parsed.checksum_verified);

  const keel::testing::TemporaryDirectory directory;
  write_safetensors(directory / "a.safetensors", content);
  EXPECT_EQ(keel::testing::text_of(directory / "a.safetensors"), text_of(bytes));
  const Safetensors read = read_safetensors(directory / "a.safetensors");
  expect_same(read, content);
  EXPECT_TRUE(read.checksum_verified);
}

TEST(Safetensors, WritesTheBytesOfTheFormat) {
  const std::string file = text_of(encode_safetensors(
      {.metadata = {{"b", "2"}, {"a", "1"}},
       .tensors = {{"u", Tensor::from<std::uint8_t>({1}, {9})}, {"w", Tensor::from<float>({1, 1}, {1})}}}));
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  const std::string header = file.substr(8, length);
  EXPECT_TRUE(header.starts_with(R"({"__metadata__":{"keel.crc32":")")) << header;
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(header);
  EXPECT_EQ(json["__metadata__"]["keel.crc32"].get<std::string>().size(), 8u);
  json["__metadata__"].erase("keel.crc32");
  // In the order given, although the float, which is to be aligned, has the first place in the data.
  EXPECT_EQ(json.dump(),
            R"({"__metadata__":{"a":"1","b":"2"},"u":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},)"
            R"("w":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}})");
  EXPECT_EQ(file.substr(8 + length), std::string("\0\0\x80\x3f\x09", 5));
}

TEST(Safetensors, StoresIntegersAs64BitsWhereAskedFor) {
  Safetensors content = example();
  content.stored_as_int64 = {"1.num_batches_tracked"};
  const std::string file = text_of(encode_safetensors(content));
  EXPECT_NE(file.find(R"("1.num_batches_tracked":{"dtype":"I64","shape":[1],"data_offsets":[8,16]})"),
            std::string::npos)
      << file;
  expect_same(parse(file), content);
}

TEST(Safetensors, ReadsFilesOfOthers) {
  // No metadata, no padding, no order, and numbers of 16 bits: 1.5, -0, the smallest, the largest, -inf, NaN.
  const Safetensors f16 = parse(raw_file(
      R"({"h":{"shape":[6],"data_offsets":[2,14],"dtype":"F16"},"e":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}})",
      std::string("\xc0\x3f\x00\x3e\x00\x80\x01\x00\xff\x7b\x00\xfc\x01\x7e", 14)));
  ASSERT_EQ(f16.tensors.size(), 2u);
  EXPECT_FALSE(f16.checksum_verified);
  EXPECT_EQ(f16.tensors[0].name, "h");
  const std::span<const float> h = f16.tensors[0].tensor.values<float>();
  EXPECT_EQ(h[0], 1.5F);
  EXPECT_TRUE(h[1] == 0 && std::signbit(h[1]));
  EXPECT_EQ(h[2], 0x1p-24F);
  EXPECT_EQ(h[3], 65504.F);
  EXPECT_EQ(h[4], -INFINITY);
  EXPECT_TRUE(std::isnan(h[5]));
  EXPECT_EQ(f16.tensors[1].tensor.shape(), Shape());
  EXPECT_EQ(f16.tensors[1].tensor.item(), 1.5);
  EXPECT_TRUE(parse(raw_file("{}")).tensors.empty());
  EXPECT_TRUE(parse(raw_file("{}   \n")).tensors.empty());
  EXPECT_EQ(parse(raw_file(R"({"__metadata__":{"format":"pt"}})")).metadata.at("format"), "pt");
}

TEST(Safetensors, ReadsLongConvertedTensors) {
  const Index n = 300'001;  // several pieces
  Tensor values = Tensor::empty({n}, DType::int32);
  for (Index i = 0; i < n; ++i)
    values.data<std::int32_t>()[i] = static_cast<std::int32_t>(i * 7919 - 1'000'000);
  const Safetensors content = {.metadata = {}, .tensors = {{"n", values}}, .stored_as_int64 = {"n"}};
  expect_same(parse_safetensors(encode_safetensors(content), "f"), content);
}

TEST(Safetensors, EveryDamagedByteIsNoticed) {
  const std::string whole = text_of(encode_safetensors(example()));
  const std::size_t digits = whole.find("keel.crc32");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const std::string message = testing::refusal(damaged);
    // A damaged key is that of a file without a checksum.
    if (i >= digits && i < digits + 10 && message == "no error") {
      EXPECT_FALSE(parse(damaged).checksum_verified);
    } else {
      EXPECT_NE(message, "no error") << i;
    }
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(testing::refusal(whole.substr(0, size)), "no error") << size;
  }
  EXPECT_NE(testing::refusal(whole + "x"), "no error");
}

TEST(Safetensors, NamesTheChecksums) {
  std::string file = text_of(encode_safetensors({.metadata = {}, .tensors = {{"a", Tensor::ones({1})}}}));
  const std::string right = file.substr(8 + std::string(R"({"__metadata__":{"keel.crc32":")").size(), 8);
  file.back() = '\x40';
  const std::string message = testing::refusal(file);
  EXPECT_EQ(message.substr(0, 33), "checksum " + right + " expected, found");
  EXPECT_TRUE(message.ends_with(": the file is damaged")) << message;
}

TEST(Safetensors, RefusesToWriteWhatCannotBeRead) {
  const auto message = [](const Safetensors& content) {
    return message_of<ValueError>([&] { encode_safetensors(content); });
  };
  const Tensor t = Tensor::ones({1});
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"", t}}}),
            "[safetensors] '' cannot be the name of a tensor");
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"__metadata__", t}}}),
            "[safetensors] '__metadata__' cannot be the name of a tensor");
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"a", t}, {"a", t}}}),
            "[safetensors] expected one tensor of each name, found two named 'a'");
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"a", Tensor()}}}), "[safetensors] tensor 'a' is undefined");
  EXPECT_EQ(message({.metadata = {{"k", "\xff"}}, .tensors = {}}),
            "[safetensors] expected names and metadata in UTF-8, found other bytes");
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"a", t}}, .stored_as_int64 = {"a"}}),
            "[safetensors] 'a' can be stored as int64 if it is int32, found float32");
  EXPECT_EQ(message({.metadata = {}, .tensors = {{"a", t}}, .stored_as_int64 = {"b"}}),
            "[safetensors] 'b' is to be stored as int64, but there is no such tensor");
}

TEST(Safetensors, NamesTheFileThatCannotBeReadOrWritten) {
  const keel::testing::TemporaryDirectory directory;
  const auto reading = [](const std::filesystem::path& path) {
    return message_of<FileError>([&] { read_safetensors(path); });
  };
  const std::string none = directory / "none";
  EXPECT_EQ(reading(none), none + ": cannot open: No such file or directory");
  EXPECT_EQ(reading(directory.path()), directory.path().string() + ": a regular file expected");
  keel::testing::write_text(none, "short");
  EXPECT_EQ(reading(none), none + ": a safetensors file of at least 8 bytes expected, found 5");
  EXPECT_EQ(message_of<FileError>([&] { write_safetensors(directory / "no/a", {}); }),
            (directory / "no/a.part").string() + ": cannot write: No such file or directory");
}

}  // namespace
}  // namespace keel::io
