// Image files: PNG and JPEG.
//
// Pixels come out as bytes [H,W,C], C = 1 (gray) or 3 (red, green, blue), upright as viewers show them: the
// orientation that cameras note in JPEG files (EXIF) is applied. 16 bits a sample become 8, the upper ones;
// palettes become colours; what is transparent is laid over white. Gray of a colour, as in ITU-R BT.601, is
// (77 red + 150 green + 29 blue) / 256, rounded down.
//
// Nothing of a file is believed: the checksums of PNG files and the structure of JPEG files are checked
// first, and memory is taken for no more than the pixels that a file declares, within the bounds below.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "keel/core/tensor.h"

namespace keel::data {

inline constexpr Index kMaxImageExtent = 16384;  // of the width and of the height
inline constexpr Index kMaxImagePixels = Index{1} << 26;
inline constexpr Index kMaxImageFileBytes = Index{1} << 28;

enum class ImageChannels { as_stored, gray, color };

struct ImageHeader {
  Index height = 0;
  Index width = 0;
  Index channels = 0;  // as stored, without transparency: 1 or 3
};

// The image in a file, told by its content, not by its name.
//   throws: FileError naming the path, what was expected and what was found, if the file cannot be read, is
//   no PNG or JPEG, is damaged or cut short, or exceeds the bounds above
Tensor read_image(const std::filesystem::path& path, ImageChannels channels = ImageChannels::as_stored);

// What read_image(path) will give, with all checks but the decoding of pixels.   throws: as read_image
ImageHeader read_image_header(const std::filesystem::path& path);

// The same of a file's content. `name` stands for the path in errors.
Tensor decode_image(std::span<const std::byte> bytes, const std::string& name,
                    ImageChannels channels = ImageChannels::as_stored);
ImageHeader decode_image_header(std::span<const std::byte> bytes, const std::string& name);

// Writes a uint8 image [H,W], [H,W,1] or [H,W,3] as PNG.
//   throws: DTypeError, ShapeError; FileError if the file cannot be written
void write_png(const std::filesystem::path& path, const Tensor& image);

}  // namespace keel::data
