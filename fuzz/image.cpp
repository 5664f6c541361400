// The reader of PNG and JPEG files.
#include <optional>
#include <span>

#include "keel/core/error.h"
#include "keel/data/image_file.h"
#include "support/target.h"

namespace {

using keel::data::ImageChannels;
using keel::data::ImageHeader;
using keel::fuzz::expect;

template <class Read>
auto accepted(const Read& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const keel::FileError&) {
    return std::nullopt;
  }
}

// Decoding more takes seconds; what a header may declare is read all the same.
constexpr keel::Index kMostPixels = 1 << 20;

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto header = accepted([&] { return keel::data::decode_image_header(bytes, "input"); });
  if (header && header->height * header->width > kMostPixels) return 0;
  const auto stored = accepted([&] { return keel::data::decode_image(bytes, "input"); });
  expect(header || !stored, "an image that is decoded has a header that is read");
  if (stored) {
    const keel::Shape declared = {header->height, header->width, header->channels};
    expect(stored->shape() == declared, "an image has the shape that its header declares");
  }
  for (const ImageChannels channels : {ImageChannels::gray, ImageChannels::color}) {
    const auto image = accepted([&] { return keel::data::decode_image(bytes, "input", channels); });
    expect(image.has_value() == stored.has_value(), "an image is decoded with any number of channels");
    if (!image) continue;
    const keel::Index expected = channels == ImageChannels::gray ? 1 : 3;
    expect(image->shape() == keel::Shape{header->height, header->width, expected},
           "an image has the channels that were asked for");
  }
  return 0;
}
