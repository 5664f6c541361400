#include "image_structure.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "keel/core/error.h"

namespace keel::data {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::array<std::uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
// A progressive JPEG of today's encoders has about ten. Each goes over all pixels, however few bytes it has,
// so that without a bound a small file could keep a processor busy for hours.
constexpr int kMaxScans = 200;

std::uint8_t byte_at(Bytes bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }

std::uint32_t big_endian(Bytes bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | byte_at(bytes, at + static_cast<std::size_t>(i));
  return value;
}

bool starts_with(Bytes bytes, std::span<const std::uint8_t> expected) {
  return bytes.size() >= expected.size() &&
         std::equal(expected.begin(), expected.end(), bytes.begin(),
                    [](std::uint8_t a, std::byte b) { return a == static_cast<std::uint8_t>(b); });
}

[[noreturn]] void fail(const std::string& name, const char* format, std::string_view found) {
  throw FileError(fmt::format("{}: an intact {} expected, found it {}", name, format, found));
}

ImageStructure structure_of_png(Bytes bytes, const std::string& name) {
  constexpr std::size_t kAround = 12;  // length, type and checksum of a chunk
  ImageStructure result{.format = ImageFormat::png};
  const auto type_at = [&](std::size_t at) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + at + 4, 4);
  };
  for (std::size_t at = kPngSignature.size();;) {
    if (bytes.size() - at < kAround) fail(name, "PNG", "truncated");
    const std::size_t length = big_endian(bytes, at, 4);
    if (bytes.size() - at - kAround < length) fail(name, "PNG", "truncated");
    const auto* const checked = reinterpret_cast<const Bytef*>(bytes.data()) + at + 4;
    if (crc32_z(0, checked, length + 4) != big_endian(bytes, at + 8 + length, 4)) {
      fail(name, "PNG", fmt::format("corrupt (the checksum at byte {})", at + 8 + length));
    }
    if (type_at(at) == "IHDR" && length >= 8) {
      result.width = big_endian(bytes, at + 8, 4);
      result.height = big_endian(bytes, at + 12, 4);
    }
    if (type_at(at) == "IEND") return result;
    at += kAround + length;
  }
}

// The orientation that a segment APP1 notes; 1 if it notes none.
//   Exif 2.3, section 4.5: "Exif", two zeros, then a TIFF file.
int exif_orientation(Bytes segment) {
  constexpr std::array<std::uint8_t, 6> kExif = {'E', 'x', 'i', 'f', 0, 0};
  constexpr std::uint32_t kOrientation = 0x0112, kShort = 3;
  if (!starts_with(segment, kExif)) return 1;
  const Bytes tiff = segment.subspan(kExif.size());
  if (tiff.size() < 8) return 1;
  const bool little = byte_at(tiff, 0) == 'I';
  const auto number = [&](std::size_t at, int count) {
    std::uint32_t value = big_endian(tiff, at, count);
    if (little) value = __builtin_bswap32(value) >> (32 - 8 * count);
    return value;
  };
  const std::size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0, at = directory + 2; i < entries && at + 12 <= tiff.size(); ++i, at += 12) {
    if (number(at, 2) != kOrientation || number(at + 2, 2) != kShort) continue;
    const auto orientation = static_cast<int>(number(at + 8, 2));
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

// Where the next marker begins at or after `at`; the end if there is none. 0xff before 0x00 is a pixel's.
std::size_t next_marker(Bytes bytes, std::size_t at, bool in_scan) {
  for (; at + 1 < bytes.size(); ++at) {
    if (byte_at(bytes, at) != 0xff) continue;
    const std::uint8_t marker = byte_at(bytes, at + 1);
    const bool restart = marker >= 0xd0 && marker <= 0xd7;
    if (marker != 0x00 && marker != 0xff && !(in_scan && restart)) return at;
  }
  return bytes.size();
}

// Whether a segment DHT holds whole tables, each of as many codes as a byte has values at most (T.81,
// B.2.4.2). stb_image 2.27 writes beyond its tables otherwise.
bool huffman_tables_fit(Bytes segment) {
  constexpr std::size_t kLengths = 16, kMostCodes = 256;
  while (!segment.empty()) {
    if (segment.size() < 1 + kLengths) return false;
    std::size_t codes = 0;
    for (std::size_t i = 1; i <= kLengths; ++i) codes += byte_at(segment, i);
    if (codes > kMostCodes || segment.size() - 1 - kLengths < codes) return false;
    segment = segment.subspan(1 + kLengths + codes);
  }
  return true;
}

//   ITU-T T.81, annex B.
ImageStructure structure_of_jpeg(Bytes bytes, const std::string& name) {
  constexpr std::uint8_t kHuffmanTables = 0xc4, kEnd = 0xd9, kScan = 0xda, kApp1 = 0xe1;
  ImageStructure result{.format = ImageFormat::jpeg};
  int scans = 0;
  for (std::size_t at = 2;;) {
    at = next_marker(bytes, at, scans > 0);
    if (at == bytes.size()) fail(name, "JPEG", "truncated");
    const std::uint8_t marker = byte_at(bytes, at + 1);
    at += 2;
    if (marker == kEnd) break;
    // Those without a segment.
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (bytes.size() - at < 2) fail(name, "JPEG", "truncated");
    const std::size_t length = big_endian(bytes, at, 2);
    if (length < 2) fail(name, "JPEG", fmt::format("corrupt (the segment at byte {})", at));
    if (bytes.size() - at < length) fail(name, "JPEG", "truncated");
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != kHuffmanTables && marker != 0xc8 && marker != 0xcc;
    if (frame && segment.size() >= 5) {
      result.height = big_endian(segment, 1, 2);
      result.width = big_endian(segment, 3, 2);
    }
    if (marker == kHuffmanTables && !huffman_tables_fit(segment)) {
      fail(name, "JPEG", fmt::format("corrupt (the Huffman tables at byte {})", at));
    }
    if (marker == kApp1 && result.orientation == 1) result.orientation = exif_orientation(segment);
    if (marker == kScan && ++scans > kMaxScans) {
      throw FileError(fmt::format("{}: a JPEG of at most {} scans expected, found more", name, kMaxScans));
    }
    at += length;
  }
  if (scans == 0) fail(name, "JPEG", "without an image");
  return result;
}

}  // namespace

ImageStructure structure_of_image(Bytes bytes, const std::string& name) {
  constexpr std::array<std::uint8_t, 3> kJpegStart = {0xff, 0xd8, 0xff};
  if (starts_with(bytes, kPngSignature)) return structure_of_png(bytes, name);
  if (starts_with(bytes, kJpegStart)) return structure_of_jpeg(bytes, name);
  check<FileError>(!bytes.empty(), "{}: a PNG or JPEG image expected, found an empty file", name);
  std::string start;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 4))) {
    start += fmt::format(" {:02x}", static_cast<unsigned>(byte));
  }
  throw FileError(
      fmt::format("{}: a PNG or JPEG image expected, found a file that begins with{}", name, start));
}

}  // namespace keel::data
