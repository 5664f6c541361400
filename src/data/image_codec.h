// stb_image and stb_image_write, the libraries that decode and encode image files, behind three functions.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keel/core/shape.h"

namespace keel::data {

struct FreePixels {
  void operator()(unsigned char* pixels) const;
};

struct DecodedImage {
  std::unique_ptr<unsigned char, FreePixels> pixels;  // [height, width, channels]; null if it failed
  Index height = 0;
  Index width = 0;
  Index channels = 0;   // 1 gray, 2 gray and alpha, 3 colour, 4 colour and alpha
  std::string problem;  // why it failed
};

// Takes at most `memory` bytes altogether, which a file that unpacks to more than it declares would exceed.
DecodedImage decode_pixels(std::span<const std::byte> bytes, std::size_t memory);

// The channels of the decoded image; 0 if the header cannot be used.
Index channels_of_image(std::span<const std::byte> bytes);

std::vector<std::byte> encode_png(const unsigned char* pixels, Index height, Index width, Index channels);

}  // namespace keel::data
