// What the tests of images share: small images and files of them.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "data/support.h"
#include "keel/core/tensor.h"
#include "keel/data/image_file.h"
#include "support/golden.h"

namespace keel::data::testing {

inline std::span<const std::byte> as_bytes(const Bytes& bytes) { return std::as_bytes(std::span(bytes)); }

inline Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The file of a case of tests/golden/images.json.
inline Bytes golden_image(const std::string& name) {
  for (const auto& item : golden::cases("images")) {
    if (item.at("name") == name) return from_hex(item.at("file"));
  }
  throw FileError("[golden] no image " + name);
}

inline Tensor pixels_of(const golden::Json& record) {
  const auto shape = record.at("shape").get<std::vector<Index>>();
  return Tensor::from(Shape(std::span<const Index>(shape)),
                      record.at("values").get<std::vector<std::uint8_t>>());
}

inline int largest_difference(const Tensor& a, const Tensor& b) {
  int largest = 0;
  const auto x = a.values<std::uint8_t>(), y = b.values<std::uint8_t>();
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    largest = std::max(largest, std::abs(int{x[i]} - int{y[i]}));
  }
  return largest;
}

// Pixel i is (7 i + start) mod 256.
inline Tensor counting_image(const Shape& shape, int start = 0) {
  Tensor image = Tensor::empty(shape, DType::uint8);
  for (Index i = 0; i < image.numel(); ++i) {
    image.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(7 * i + start);
  }
  return image;
}

}  // namespace keel::data::testing
