#include "keel/data/image_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "image_codec.h"
#include "image_structure.h"
#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::data {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

const char* name_of(ImageFormat format) { return format == ImageFormat::png ? "PNG" : "JPEG"; }

ImageStructure checked_structure(Bytes bytes, const std::string& name) {
  check<FileError>(static_cast<Index>(bytes.size()) <= kMaxImageFileBytes,
                   "{}: an image file of at most {} bytes expected, found {}", name, kMaxImageFileBytes,
                   bytes.size());
  const ImageStructure structure = structure_of_image(bytes, name);
  const Index h = structure.height, w = structure.width;
  check<FileError>(h >= 1 && w >= 1, "{}: an intact {} expected, found it without an image", name,
                   name_of(structure.format));
  check<FileError>(
      h <= kMaxImageExtent && w <= kMaxImageExtent && h * w <= kMaxImagePixels,
      "{}: an image of at most {} pixels in each direction and {} altogether expected, found {} x {}", name,
      kMaxImageExtent, kMaxImagePixels, w, h);
  return structure;
}

// More than a decoder takes for the pixels: 16 bits of 4 samples, twice for interlaced rows, and as much
// again to be expanded; rounded up to whole blocks of JPEG.
std::size_t memory_for(const ImageStructure& structure, Bytes bytes) {
  constexpr Index kBytesPerPixel = 64, kBlocks = 64, kTables = 1 << 20;
  const Index pixels = (structure.height + kBlocks) * (structure.width + kBlocks);
  return static_cast<std::size_t>(pixels * kBytesPerPixel + kTables) + 4 * bytes.size();
}

std::uint8_t over_white(int value, int alpha) {
  return static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

std::uint8_t gray_of(int red, int green, int blue) {
  return static_cast<std::uint8_t>((77 * red + 150 * green + 29 * blue) >> 8);
}

// Lays what is transparent over white, and brings the channels to 1 or 3.
Tensor with_channels(const DecodedImage& image, Index channels) {
  Tensor result = Tensor::empty({image.height, image.width, channels}, DType::uint8);
  const Index stored = image.channels;
  const bool alpha = stored == 2 || stored == 4, color = stored >= 3;
  const unsigned char* from = image.pixels.get();
  auto* to = result.data<std::uint8_t>();
  for (Index i = 0; i < image.height * image.width; ++i, from += stored, to += channels) {
    std::uint8_t pixel[3] = {from[0], color ? from[1] : from[0], color ? from[2] : from[0]};
    if (alpha) {
      for (std::uint8_t& value : pixel) value = over_white(value, from[stored - 1]);
    }
    if (channels == 3) {
      std::copy_n(pixel, 3, to);
    } else {
      *to = color ? gray_of(pixel[0], pixel[1], pixel[2]) : pixel[0];
    }
  }
  return result;
}

// Turns a stored image upright: row and column (y, x) of the result come from where EXIF says.
Tensor upright(const Tensor& stored, int orientation) {
  if (orientation == 1) return stored;
  const Index height = stored.size(0), width = stored.size(1), channels = stored.size(2);
  const bool turned = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Tensor result = Tensor::empty({turned ? width : height, turned ? height : width, channels}, DType::uint8);
  const auto* const from = stored.data<std::uint8_t>();
  auto* to = result.data<std::uint8_t>();
  for (Index y = 0; y < result.size(0); ++y) {
    for (Index x = 0; x < result.size(1); ++x, to += channels) {
      const Index row = turned ? x : y, column = turned ? y : x;
      const Index stored_row = from_bottom ? height - 1 - row : row;
      const Index stored_column = from_right ? width - 1 - column : column;
      std::copy_n(from + (stored_row * width + stored_column) * channels, channels, to);
    }
  }
  return result;
}

}  // namespace

Tensor decode_image(Bytes bytes, const std::string& name, ImageChannels channels) {
  const ImageStructure structure = checked_structure(bytes, name);
  const DecodedImage image = decode_pixels(bytes, memory_for(structure, bytes));
  check<FileError>(image.pixels != nullptr, "{}: an intact {} expected, found it corrupt ({})", name,
                   name_of(structure.format), image.problem);
  check<FileError>(image.height == structure.height && image.width == structure.width,
                   "{}: an intact {} expected, found it corrupt (images of {} x {} and {} x {})", name,
                   name_of(structure.format), structure.width, structure.height, image.width, image.height);
  const bool gray =
      channels == ImageChannels::gray || (channels == ImageChannels::as_stored && image.channels <= 2);
  return upright(with_channels(image, gray ? 1 : 3), structure.orientation);
}

ImageHeader decode_image_header(Bytes bytes, const std::string& name) {
  const ImageStructure structure = checked_structure(bytes, name);
  const Index channels = channels_of_image(bytes);
  check<FileError>(channels > 0, "{}: an intact {} expected, found its header corrupt", name,
                   name_of(structure.format));
  ImageHeader header{
      .height = structure.height, .width = structure.width, .channels = channels <= 2 ? Index{1} : Index{3}};
  if (structure.orientation >= 5) std::swap(header.height, header.width);
  return header;
}

Tensor read_image(const fs::path& path, ImageChannels channels) {
  const std::string content = io::read_file(path, kMaxImageFileBytes);
  return decode_image(std::as_bytes(std::span(content)), path.string(), channels);
}

ImageHeader read_image_header(const fs::path& path) {
  const std::string content = io::read_file(path, kMaxImageFileBytes);
  return decode_image_header(std::as_bytes(std::span(content)), path.string());
}

void write_png(const fs::path& path, const Tensor& image) {
  check<DTypeError>(image.dtype() == DType::uint8, "[write_png] {}: uint8 pixels expected, found {}",
                    path.string(), name_of(image.dtype()));
  const bool flat = image.rank() == 2;
  check<ShapeError>(
      (flat || (image.rank() == 3 && (image.size(2) == 1 || image.size(2) == 3))) && image.numel() > 0 &&
          image.size(0) <= kMaxImageExtent && image.size(1) <= kMaxImageExtent,
      "[write_png] {}: an image [H,W], [H,W,1] or [H,W,3] with extents up to {} expected, found {}",
      path.string(), kMaxImageExtent, image.shape());
  const std::vector<std::byte> bytes =
      encode_png(image.data<std::uint8_t>(), image.size(0), image.size(1), flat ? 1 : image.size(2));
  // Not io::write_file_atomically(): to wait for the disk takes a hundred times as long as a small image.
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  check<FileError>(out.good(), "{}: cannot write: {}", path.string(),
                   std::generic_category().message(errno != 0 ? errno : EIO));
}

}  // namespace keel::data
