// The structure of PNG and JPEG files, as far as it tells whether a file is whole.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "keel/core/shape.h"

namespace keel::data {

enum class ImageFormat { png, jpeg };

struct ImageStructure {
  ImageFormat format;
  Index height = 0;  // as stored, before orientation
  Index width = 0;
  int orientation = 1;  // EXIF's: 1 upright, 2 to 8 mirrored or turned
};

// Walks a whole file: the checksum of every chunk of a PNG file, every segment of a JPEG file up to its end.
//   throws: FileError naming the file if it is neither, damaged or cut short
ImageStructure structure_of_image(std::span<const std::byte> bytes, const std::string& name);

}  // namespace keel::data
