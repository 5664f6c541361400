#include "keel/data/image_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "data/image_support.h"
#include "keel/core/error.h"
#include "keel/data/image_transform.h"

namespace keel::data {
namespace {

using testing::as_bytes;
using testing::Bytes;
using testing::counting_image;
using testing::golden_image;
using testing::largest_difference;
using ::testing::MatchesRegex;
using testing::message_of;
using testing::pixels_of;
using testing::read_bytes;
using ::testing::StartsWith;
using testing::TemporaryDirectory;
using testing::write_bytes;

TEST(ImageFile, SeesWhatPillowSees) {
  for (const auto& item : golden::cases("images")) {
    SCOPED_TRACE(item.at("name").get<std::string>());
    const Bytes file = testing::from_hex(item.at("file"));
    const Tensor expected = pixels_of(item.at("pixels"));
    const Tensor image = decode_image(as_bytes(file), "image");
    ASSERT_EQ(image.shape(), expected.shape());
    EXPECT_LE(largest_difference(image, expected), item.at("tolerance").get<int>());
    const ImageHeader header = decode_image_header(as_bytes(file), "image");
    EXPECT_EQ((Shape{header.height, header.width, header.channels}), expected.shape());
  }
}

TEST(ImageFile, WritesPngThatReadsBack) {
  const TemporaryDirectory directory;
  for (const Shape& shape : {Shape{5, 3, 1}, Shape{4, 7, 3}, Shape{1, 1, 1}}) {
    const Tensor image = counting_image(shape);
    write_png(directory / "image.png", image);
    const Tensor read = read_image(directory / "image.png");
    ASSERT_EQ(read.shape(), shape);
    EXPECT_EQ(largest_difference(read, image), 0);
    const ImageHeader header = read_image_header(directory / "image.png");
    EXPECT_EQ((Shape{header.height, header.width, header.channels}), shape);
  }
  write_png(directory / "flat.png", counting_image({2, 3}));
  EXPECT_EQ(read_image(directory / "flat.png").shape(), (Shape{2, 3, 1}));
}

TEST(ImageFile, ConvertsChannels) {
  const TemporaryDirectory directory;
  write_png(directory / "color.png",
            Tensor::from<std::uint8_t>({1, 3, 3}, {255, 0, 0, 10, 200, 30, 9, 9, 9}));
  const Tensor gray = read_image(directory / "color.png", ImageChannels::gray);
  ASSERT_EQ(gray.shape(), (Shape{1, 3, 1}));
  const std::vector<int> expected = {77 * 255 / 256, (77 * 10 + 150 * 200 + 29 * 30) / 256, 9};
  for (Index i = 0; i < 3; ++i) EXPECT_EQ(gray.at({0, i, 0}), expected[static_cast<std::size_t>(i)]);

  write_png(directory / "gray.png", Tensor::from<std::uint8_t>({1, 2, 1}, {7, 200}));
  const Tensor color = read_image(directory / "gray.png", ImageChannels::color);
  ASSERT_EQ(color.shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(color.at({0, 0, 2}), 7);
  EXPECT_EQ(color.at({0, 1, 0}), 200);
}

class BadImage : public ::testing::Test {
 protected:
  // What the readers say of these bytes, both the same.
  std::string complaint(const Bytes& bytes) {
    const std::string whole = message_of<FileError>([&] { decode_image(as_bytes(bytes), "image"); });
    EXPECT_EQ(whole.find('\n'), std::string::npos);
    return whole;
  }
  TemporaryDirectory directory_;
};

TEST_F(BadImage, IsNamed) {
  const std::string missing = (directory_ / "no.png").string();
  EXPECT_EQ(message_of<FileError>([&] { read_image(missing); }),
            missing + ": cannot open: No such file or directory");
  EXPECT_EQ(message_of<FileError>([&] { read_image(directory_.path()); }),
            directory_.path().string() + ": a regular file expected");
  EXPECT_EQ(message_of<FileError>([&] { read_image("/dev/null"); }), "/dev/null: a regular file expected");
  write_bytes(directory_ / "text.png", {'H', 'e', 'l', 'l', 'o'});
  EXPECT_EQ(message_of<FileError>([&] { read_image(directory_ / "text.png"); }),
            (directory_ / "text.png").string() +
                ": a PNG or JPEG image expected, found a file that begins with 48 65 6c 6c");
  EXPECT_EQ(complaint({}), "image: a PNG or JPEG image expected, found an empty file");
}

TEST_F(BadImage, CutAnywhereIsRefused) {
  for (const char* name : {"png_color", "jpeg_color", "jpeg_progressive"}) {
    const Bytes whole = golden_image(name);
    for (std::size_t kept = 8; kept < whole.size(); ++kept) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept));
      EXPECT_THAT(complaint(cut), MatchesRegex("image: an intact (PNG|JPEG) expected, found it truncated"))
          << name << " cut to " << kept;
      EXPECT_THROW(decode_image_header(as_bytes(cut), "image"), FileError);
    }
  }
}

TEST_F(BadImage, AnyFlippedByteOfAPngIsFound) {
  const Bytes whole = golden_image("png_color");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= 0x15;
    EXPECT_THAT(complaint(damaged), StartsWith("image: a")) << "byte " << i;
  }
}

// A JPEG has no checksums: some damage shows as other pixels only. None may crash.
TEST_F(BadImage, FlippedBytesOfAJpegAreHarmless) {
  for (const char* name : {"jpeg_color", "jpeg_progressive", "jpeg_orientation_6"}) {
    const Bytes whole = golden_image(name);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        Bytes damaged = whole;
        damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ flip);
        try {
          decode_image(as_bytes(damaged), "image");
        } catch (const FileError& error) {
          EXPECT_THAT(error.what(), StartsWith("image: "));
        }
      }
    }
  }
}

const Bytes kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

// A PNG file of given chunks, with right checksums.
class PngMaker {
 public:
  PngMaker& chunk(const std::string& type, const Bytes& data) {
    add_number(static_cast<std::uint32_t>(data.size()));
    const std::size_t start = bytes_.size();
    bytes_.insert(bytes_.end(), type.begin(), type.end());
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    add_number(static_cast<std::uint32_t>(
        crc32(0, bytes_.data() + start, static_cast<unsigned>(bytes_.size() - start))));
    return *this;
  }
  PngMaker& header(std::uint32_t width, std::uint32_t height) {
    Bytes data;
    for (const std::uint32_t extent : {width, height}) {
      for (const int shift : {24, 16, 8, 0}) data.push_back(static_cast<std::uint8_t>(extent >> shift));
    }
    data.insert(data.end(), {8, 0, 0, 0, 0});  // 8 bits, gray
    return chunk("IHDR", data);
  }
  PngMaker& pixels(const Bytes& rows) {
    uLongf size = compressBound(rows.size());
    Bytes compressed(size);
    compress(compressed.data(), &size, rows.data(), rows.size());
    compressed.resize(size);
    return chunk("IDAT", compressed);
  }
  Bytes end() { return chunk("IEND", {}).bytes_; }

 private:
  void add_number(std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0}) bytes_.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  Bytes bytes_ = kSignature;
};

TEST_F(BadImage, BeyondTheBoundsIsRefusedBeforeMemoryIsTaken) {
  EXPECT_EQ(
      complaint(PngMaker().header(16385, 1).end()),
      "image: an image of at most 16384 pixels in each direction and 67108864 altogether expected, found "
      "16385 x 1");
  EXPECT_THAT(complaint(PngMaker().header(16384, 16384).end()), MatchesRegex(".*found 16384 x 16384"));
  EXPECT_THAT(complaint(PngMaker().header(0xffffffff, 0xffffffff).end()),
              MatchesRegex(".*found 4294967295 x 4294967295"));
  EXPECT_EQ(complaint(PngMaker().header(0, 3).end()),
            "image: an intact PNG expected, found it without an image");
}

TEST_F(BadImage, WithOtherPixelsThanItDeclaresIsRefused) {
  EXPECT_EQ(
      decode_image(as_bytes(PngMaker().header(2, 2).pixels({0, 1, 2, 0, 3, 4}).end()), "image").at({1, 1, 0}),
      4);
  EXPECT_THAT(complaint(PngMaker().header(2, 2).pixels({0, 1, 2, 0, 3}).end()),
              StartsWith("image: an intact PNG expected, found it corrupt ("));
  EXPECT_THAT(complaint(PngMaker().header(2, 2).end()),
              StartsWith("image: an intact PNG expected, found it corrupt ("));
  // 64 MB in 64 KB, of which a pixel needs two bytes.
  const Bytes bomb = PngMaker().header(1, 1).pixels(Bytes(64 << 20)).end();
  EXPECT_LT(bomb.size(), std::size_t{1} << 17);
  EXPECT_EQ(complaint(bomb), "image: an intact PNG expected, found it corrupt (outofmem)");
}

TEST_F(BadImage, WithEndlessScansIsRefused) {
  const Bytes whole = golden_image("jpeg_progressive");
  const Bytes start{0xff, 0xda};
  const auto scan = std::search(whole.begin(), whole.end(), start.begin(), start.end());
  const auto next = std::search(scan + 2, whole.end(), start.begin(), start.end());
  ASSERT_NE(next, whole.end());
  Bytes endless(whole.begin(), scan);
  for (int i = 0; i < 201; ++i) endless.insert(endless.end(), scan, next);
  endless.insert(endless.end(), {0xff, 0xd9});
  EXPECT_EQ(complaint(endless), "image: a JPEG of at most 200 scans expected, found more");
}

TEST(WritePng, RefusesWhatIsNoImage) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.png";
  EXPECT_EQ(message_of<DTypeError>([&] {
              write_png(path, Tensor::zeros({2, 2}));
            }),
            "[write_png] " + path + ": uint8 pixels expected, found float32");
  EXPECT_THAT(message_of<ShapeError>([&] {
                write_png(path, Tensor::zeros({2, 2, 2}, DType::uint8));
              }),
              MatchesRegex(".*expected, found \\[2,2,2\\]"));
  EXPECT_EQ(message_of<FileError>([&] {
              write_png(directory / "no/a.png", counting_image({2, 2}));
            }),
            (directory / "no/a.png").string() + ": cannot write: No such file or directory");
}

TEST(ResizeImage, IsPillowsBilinear) {
  const golden::Json record = golden::load("images").at("resize");
  const Tensor source = pixels_of(record.at("source"));
  for (const auto& item : record.at("cases")) {
    const Tensor expected = pixels_of(item.at("result"));
    const Tensor resized = resize_image(source, item.at("height"), item.at("width"));
    ASSERT_EQ(resized.shape(), expected.shape());
    // Pillow rounds between its two passes.
    EXPECT_LE(largest_difference(resized, expected), 1) << expected.shape().to_string();
  }
}

TEST(ResizeImage, KeepsConstantImagesAndItsOwnSize) {
  const Tensor constant = Tensor::full({9, 13, 3}, 201, DType::uint8);
  EXPECT_EQ(largest_difference(resize_image(constant, 4, 40), Tensor::full({4, 40, 3}, 201, DType::uint8)),
            0);
  const Tensor image = counting_image({6, 5, 1});
  EXPECT_TRUE(resize_image(image, 6, 5).shares_elements_with(image));
  EXPECT_EQ(message_of<ValueError>([&] { resize_image(image, 0, 5); }),
            "[resize_image] a size from 1x1 to 4096x4096 expected, found 0x5");
}

}  // namespace
}  // namespace keel::data
