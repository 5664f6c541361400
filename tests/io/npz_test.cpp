#include "keel/io/npz.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "support/errors.h"
#include "support/temporary_directory.h"

namespace keel::io {
namespace {

using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using keel::testing::text_of;
using keel::testing::write_text;

std::uint32_t number_at(const std::string& text, std::size_t at, std::size_t num_bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, text.data() + at, num_bytes);
  return value;
}

TEST(Npz, WritesTheBytesOfTheFormat) {
  const TemporaryDirectory directory;
  write_npz(directory / "a.npz", {{"b", Tensor::from<std::uint8_t>({3}, {'x', 'y', 'z'})}});
  const std::string file = text_of(directory / "a.npz");
  const std::string npy = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                          "{'descr': '|u1', 'fortran_order': False, 'shape': (3, ), }" +
                          std::string(59, ' ') + "\nxyz";
  ASSERT_EQ(npy.size(), 131u);
  EXPECT_EQ(file.substr(0, 4), "PK\x03\x04");
  // What Python's zlib.crc32 gives.
  EXPECT_EQ(number_at(file, 14, 4), 0x0cc07d48u);
  EXPECT_EQ(number_at(file, 18, 4), 131u);
  EXPECT_EQ(number_at(file, 22, 4), 131u);
  EXPECT_EQ(file.substr(30, 5), "b.npy");
  EXPECT_EQ(file.substr(35, 131), npy);
  EXPECT_EQ(file.substr(166, 4), "PK\x01\x02");
  EXPECT_EQ(file.substr(166 + 46, 5), "b.npy");
  const std::size_t end = 166 + 46 + 5;
  EXPECT_EQ(file.substr(end, 4), "PK\x05\x06");
  EXPECT_EQ(number_at(file, end + 10, 2), 1u);
  EXPECT_EQ(number_at(file, end + 12, 4), 51u);
  EXPECT_EQ(number_at(file, end + 16, 4), 166u);
  EXPECT_EQ(file.size(), end + 22);
}

TEST(Npz, NumPyReadsIt) {
  const char* python = "/usr/bin/python3";
  if (std::system((std::string(python) + " -c 'import numpy' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << python << " with NumPy was not found";
  }
  const TemporaryDirectory directory;
  write_npz(directory / "a.npz",
            {{"0.weight", Tensor::from<float>({2, 3}, {0, 1, 2, 3, 4, 5.5F})},
             {"none", Tensor::empty({0, 5})},
             {"scalar", Tensor::full({}, 0.1, DType::float64)},
             {"caf\xc3\xa9", Tensor::from<std::int32_t>({2}, {-7, 9})},
             {"steps", Tensor::from<std::int32_t>({}, {-7})}},
            {"steps"});
  write_text(directory / "check.py", R"(
import sys, zipfile
import numpy as np
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
a = np.load(sys.argv[1])
assert list(a.files) == ["0.weight", "none", "scalar", "caf\u00e9", "steps"], a.files
w = a["0.weight"]
assert w.dtype == np.float32 and w.tolist() == [[0, 1, 2], [3, 4, 5.5]] and w.flags.c_contiguous
assert a["none"].shape == (0, 5)
assert a["scalar"].dtype == np.float64 and a["scalar"].shape == () and a["scalar"] == 0.1
assert a["caf\u00e9"].dtype == np.int32 and a["caf\u00e9"].tolist() == [-7, 9]
assert a["steps"].dtype == np.int64 and a["steps"] == -7
)");
  const std::string command =
      fmt::format("{} {} {}", python, (directory / "check.py").string(), (directory / "a.npz").string());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(Npz, RefusesWhatItCannotWrite) {
  const TemporaryDirectory directory;
  const auto message = [&](const std::vector<NamedTensor>& tensors) {
    return message_of<ValueError>([&] { write_npz(directory / "a.npz", tensors); });
  };
  const Tensor t = Tensor::ones({1});
  EXPECT_EQ(message({{"", t}}), "[npz] '' cannot be the name of a tensor");
  EXPECT_EQ(message({{"a", t}, {"a", t}}), "[npz] expected one tensor of each name, found two named 'a'");
  EXPECT_EQ(message(std::vector<NamedTensor>(1, {std::string(70'000, 'a'), t})),
            "[npz] names of less than 64 KiB expected, found one of 70004 bytes");
  EXPECT_FALSE(std::filesystem::exists(directory / "a.npz"));
  EXPECT_EQ(message_of<FileError>([&] {
              write_npz(directory / "no/a.npz", {{"a", t}});
            }),
            (directory / "no/a.npz.part").string() + ": cannot write: No such file or directory");
}

}  // namespace
}  // namespace keel::io
