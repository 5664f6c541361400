#include "keel/data/idx.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

#include "data/support.h"
#include "keel/core/error.h"
#include "support/threads.h"

namespace keel::data {
namespace {

using testing::Bytes;
using testing::message_of;
using testing::read_bytes;
using testing::TemporaryDirectory;
using testing::write_bytes;
using testing::write_gzip;

// Extents 2 and 3, elements 10 to 15.
const Bytes kMatrix{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 15};

void expect_matrix(const Tensor& tensor) {
  ASSERT_EQ(tensor.shape(), (Shape{2, 3}));
  ASSERT_EQ(tensor.dtype(), DType::uint8);
  for (Index i = 0; i < 6; ++i) EXPECT_EQ(tensor.data<std::uint8_t>()[i], 10 + i);
}

class Idx : public ::testing::Test {
 protected:
  // What read_idx says of a file, without the path it must begin with.
  std::string complaint(const std::string& name = "file") {
    const std::string message = message_of<FileError>([&] { read_idx(directory_ / name); });
    const std::string start = (directory_ / name).string() + ": ";
    EXPECT_EQ(message.substr(0, start.size()), start);
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message.substr(std::min(start.size(), message.size()));
  }

  std::string complaint_of_plain(const Bytes& bytes) {
    write_bytes(directory_ / "file", bytes);
    return complaint();
  }

  std::string complaint_of_gzip(const Bytes& bytes) {
    write_gzip(directory_ / "file", bytes);
    return complaint();
  }

  TemporaryDirectory directory_;
};

TEST_F(Idx, ReadsAPlainFile) {
  write_bytes(directory_ / "file", kMatrix);
  expect_matrix(read_idx(directory_ / "file"));
}

TEST_F(Idx, TellsGzipByContentNotByName) {
  write_gzip(directory_ / "file", kMatrix);
  expect_matrix(read_idx(directory_ / "file"));
  write_bytes(directory_ / "plain.gz", kMatrix);
  expect_matrix(read_idx(directory_ / "plain.gz"));
}

TEST_F(Idx, ReadsEveryRank) {
  for (int rank = 1; rank <= Shape::kMaxRank; ++rank) {
    std::vector<Index> extents;
    for (int axis = 0; axis < rank; ++axis) extents.push_back(1 + (axis + rank) % 3);
    Tensor tensor = Tensor::empty(Shape(std::span<const Index>(extents)), DType::uint8);
    for (Index i = 0; i < tensor.numel(); ++i)
      tensor.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i + 1);
    for (const char* name : {"tensor", "tensor.gz"}) {
      write_idx(directory_ / name, tensor);
      const Tensor read = read_idx(directory_ / name);
      ASSERT_EQ(read.shape(), tensor.shape());
      const auto a = read.values<std::uint8_t>();
      const auto b = tensor.values<std::uint8_t>();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    }
  }
}

TEST_F(Idx, ReadsExtentsOfZero) {
  write_bytes(directory_ / "file", {0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3});
  EXPECT_EQ(read_idx(directory_ / "file").shape(), (Shape{0, 3}));
}

TEST_F(Idx, WritesTheDocumentedBytes) {
  write_idx(directory_ / "matrix", Tensor::from<std::uint8_t>({2, 3}, {10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(read_bytes(directory_ / "matrix"), kMatrix);
  write_idx(directory_ / "matrix.gz", Tensor::from<std::uint8_t>({2, 3}, {10, 11, 12, 13, 14, 15}));
  const Bytes compressed = read_bytes(directory_ / "matrix.gz");
  ASSERT_GE(compressed.size(), 2U);
  EXPECT_EQ(compressed[0], 0x1f);
  EXPECT_EQ(compressed[1], 0x8b);
  // Extents take all four bytes.
  write_idx(directory_ / "long", Tensor::zeros({66051}, DType::uint8));
  const Bytes bytes = read_bytes(directory_ / "long");
  ASSERT_EQ(bytes.size(), 8U + 66051U);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 8), (Bytes{0, 0, 8, 1, 0, 1, 2, 3}));
  EXPECT_EQ(read_idx(directory_ / "long").numel(), 66051);
}

// The first is so large that it is read in several pieces.
TEST_F(Idx, ReadsSeveralFilesOnSeveralThreads) {
  std::vector<std::uint8_t> values(9 * 1000 * 1001);
  std::uint32_t state = 1;
  for (std::uint8_t& value : values) {
    value = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
  }
  const Tensor large = Tensor::from({9, 1000, 1001}, values);
  write_idx(directory_ / "large", large);
  write_bytes(directory_ / "empty", {0, 0, 8, 1, 0, 0, 0, 0});
  write_gzip(directory_ / "small.gz", kMatrix);
  for (const int threads : {1, 3}) {
    const keel::testing::ThreadsGuard guard(threads);
    const std::vector<Tensor> read =
        read_idx_files({directory_ / "large", directory_ / "empty", directory_ / "small.gz"});
    ASSERT_EQ(read.size(), 3U);
    ASSERT_EQ(read[0].shape(), large.shape());
    EXPECT_TRUE(std::ranges::equal(read[0].values<std::uint8_t>(), large.values<std::uint8_t>()));
    EXPECT_EQ(read[1].shape(), (Shape{0}));
    expect_matrix(read[2]);
  }
  const Bytes compressed = read_bytes(directory_ / "small.gz");
  write_bytes(directory_ / "small.gz", Bytes(compressed.begin(), compressed.end() - 3));
  EXPECT_EQ(message_of<FileError>([&] {
              read_idx_files({directory_ / "large", directory_ / "small.gz"});
            }),
            (directory_ / "small.gz").string() + ": intact gzip data expected, found them truncated");
}

TEST_F(Idx, RefusesMissingFilesAndDirectories) {
  EXPECT_EQ(complaint("nowhere"), "no such file");
  testing::fs::create_directory(directory_ / "folder");
  EXPECT_EQ(complaint("folder"), "a regular file expected");
}

TEST_F(Idx, RefusesAWrongMagic) {
  EXPECT_EQ(complaint_of_plain({0, 1, 8, 1, 0, 0, 0, 0}),
            "an IDX file of unsigned bytes expected (magic 00 00 08 and the rank), found 00 01 08 01");
  EXPECT_EQ(complaint_of_plain({0, 0, 13, 1, 0, 0, 0, 0}),
            "an IDX file of unsigned bytes expected (magic 00 00 08 and the rank), found 00 00 0d 01");
  EXPECT_EQ(complaint_of_gzip({'P', 'K', 3, 4, 5}),
            "an IDX file of unsigned bytes expected (magic 00 00 08 and the rank), found 50 4b 03 04");
}

TEST_F(Idx, RefusesARankThatTensorsDoNotHave) {
  EXPECT_EQ(complaint_of_plain({0, 0, 8, 0, 7}), "an IDX rank of 1 to 8 expected, found 0");
  Bytes nine{0, 0, 8, 9};
  nine.resize(4 + 9 * 4 + 1, 0);
  EXPECT_EQ(complaint_of_plain(nine), "an IDX rank of 1 to 8 expected, found 9");
}

TEST_F(Idx, RefusesAHeaderCutShort) {
  EXPECT_EQ(complaint_of_plain({}), "an IDX header of at least 4 bytes expected, found 0 bytes");
  EXPECT_EQ(complaint_of_plain({0, 0, 8}), "an IDX header of at least 4 bytes expected, found 3 bytes");
  EXPECT_EQ(complaint_of_plain(Bytes(kMatrix.begin(), kMatrix.begin() + 10)),
            "an IDX header of 12 bytes expected for rank 2, found 10 bytes");
}

TEST_F(Idx, RefusesExtentsWhoseProductOverflows) {
  Bytes huge{0, 0, 8, 3};
  huge.resize(4 + 3 * 4, 0xff);
  EXPECT_EQ(complaint_of_plain(huge),
            "the product of the extents [4294967295,4294967295,4294967295] overflows");
  // An extent of 0 does not hide it.
  Bytes hidden = huge;
  hidden[3] = 4;
  hidden.resize(4 + 4 * 4, 0);
  EXPECT_EQ(complaint_of_plain(hidden),
            "the product of the extents [4294967295,4294967295,4294967295,0] overflows");
}

TEST_F(Idx, RefusesMoreElementsThanTheFileCanHoldBeforeTakingMemory) {
  // 2^62 bytes: no allocator could give them.
  const Bytes vast{0, 0, 8, 2, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3};
  EXPECT_EQ(
      complaint_of_plain(vast),
      "4611686018427387904 elements expected from the extents [2147483648,2147483648], found 3 bytes after "
      "the header");
  const std::string compressed = complaint_of_gzip(vast);
  EXPECT_EQ(
      compressed,
      fmt::format("4611686018427387904 elements expected from the extents [2147483648,2147483648], more than "
                  "{} compressed bytes can hold",
                  testing::fs::file_size(directory_ / "file")));
}

TEST_F(Idx, RefusesMissingElements) {
  const Bytes cut(kMatrix.begin(), kMatrix.end() - 2);
  const std::string expected = "6 elements expected from the extents [2,3], found 4 bytes after the header";
  EXPECT_EQ(complaint_of_plain(cut), expected);
  EXPECT_EQ(complaint_of_gzip(cut), expected);
}

TEST_F(Idx, RefusesBytesAfterTheElements) {
  Bytes longer = kMatrix;
  longer.push_back(16);
  EXPECT_EQ(complaint_of_plain(longer),
            "6 elements expected from the extents [2,3], found 7 bytes after the header");
  longer.resize(1000000);
  EXPECT_EQ(complaint_of_gzip(longer),
            "6 elements expected from the extents [2,3], found more bytes after them");
}

// The most memory this process has had, in bytes.
Index peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Index{usage.ru_maxrss} * 1024;
}

TEST_F(Idx, TakesNoMemoryForWhatABombUnpacksTo) {
  constexpr Index kUnpacked = 64 << 20;
  const gzFile file = gzopen((directory_ / "file").c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, kMatrix.data(), static_cast<unsigned>(kMatrix.size())),
            static_cast<int>(kMatrix.size()));
  const Bytes zeros(1 << 20);
  for (Index i = 0; i < kUnpacked; i += 1 << 20) gzwrite(file, zeros.data(), 1 << 20);
  ASSERT_EQ(gzclose(file), Z_OK);
  ASSERT_LT(testing::fs::file_size(directory_ / "file"), 1U << 20);
  const Index before = peak_memory();
  EXPECT_EQ(complaint(), "6 elements expected from the extents [2,3], found more bytes after them");
  EXPECT_LT(peak_memory() - before, 8 << 20);
}

TEST_F(Idx, RefusesDamagedGzip) {
  // Elements that do not compress, so that cuts and flips fall into them.
  Bytes whole{0, 0, 8, 1, 0, 0, 0x10, 0};
  std::uint32_t state = 1;
  for (int i = 0; i < 0x1000; ++i) {
    state = state * 1664525U + 1013904223U;
    whole.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  write_gzip(directory_ / "file", whole);
  EXPECT_EQ(read_idx(directory_ / "file").numel(), 0x1000);
  const Bytes bytes = read_bytes(directory_ / "file");

  for (const std::size_t kept : {bytes.size() - 1, bytes.size() - 8, bytes.size() / 2, std::size_t{12}}) {
    write_bytes(directory_ / "file", Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept)));
    EXPECT_EQ(complaint(), "intact gzip data expected, found them truncated") << kept << " bytes kept";
  }

  Bytes flipped = bytes;
  flipped[bytes.size() / 2] ^= 0x10;  // in the elements: only the checksum tells
  write_bytes(directory_ / "file", flipped);
  EXPECT_EQ(complaint(), "intact gzip data expected, found them corrupt");

  Bytes nonsense(bytes.begin(), bytes.begin() + 10);
  nonsense.resize(100, 0xff);
  write_bytes(directory_ / "file", nonsense);
  EXPECT_EQ(complaint(), "intact gzip data expected, found them corrupt");
}

TEST_F(Idx, WritesAllOrNothing) {
  const Tensor tensor = Tensor::zeros({2}, DType::uint8);
  EXPECT_EQ(message_of<FileError>([&] { write_idx(directory_ / "none/file", tensor); }),
            (directory_ / "none/file.partial").string() + ": cannot open: No such file or directory");
  // The name is taken by a directory: found when renaming, and the partial file is gone.
  testing::fs::create_directory(directory_ / "taken");
  EXPECT_EQ(message_of<FileError>([&] { write_idx(directory_ / "taken", tensor); }),
            (directory_ / "taken").string() + ": cannot write: Is a directory");
  EXPECT_FALSE(testing::fs::exists(directory_ / "taken.partial"));
  EXPECT_EQ(message_of<FileError>([&] { write_idx("/dev/full/file", tensor); }),
            "/dev/full/file.partial: cannot open: Not a directory");
}

TEST_F(Idx, WritesOnlyBytesWithARank) {
  const std::string path = (directory_ / "file").string();
  EXPECT_EQ(message_of<DTypeError>([&] { write_idx(path, Tensor::zeros({2})); }),
            "[write_idx] " + path + ": uint8 elements expected, found float32");
  EXPECT_EQ(message_of<ShapeError>([&] { write_idx(path, Tensor::zeros({}, DType::uint8)); }),
            "[write_idx] " + path + ": a tensor of rank 1 or more expected, found []");
  EXPECT_FALSE(testing::fs::exists(path));
}

}  // namespace
}  // namespace keel::data
