#include "keel/data/image_transform.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "keel/core/error.h"

namespace keel::data {
namespace {

// What makes one new row or column of the old ones: weights of those from `first` on.
struct Taps {
  Index first = 0;
  std::vector<float> weights;
};

// The triangle filter from `from` pixels to `to`, cut at the edges and scaled to a sum of 1.
std::vector<Taps> triangle_taps(Index from, Index to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (Index i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = std::max<Index>(0, static_cast<Index>(std::floor(center - reach)));
    const Index end = std::min(from, static_cast<Index>(std::ceil(center + reach)));
    double sum = 0;
    std::vector<double> weights;
    for (Index j = taps.first; j < end; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - center) / reach));
      sum += weights.back();
    }
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
  }
  return all;
}

// One row [W,C] at its new width.
void resize_row(const std::uint8_t* row, const std::vector<Taps>& columns, Index channels, float* to) {
  for (const Taps& taps : columns) {
    for (Index c = 0; c < channels; ++c) {
      const std::uint8_t* from = row + taps.first * channels + c;
      float sum = 0;
      for (const float weight : taps.weights) {
        sum += weight * static_cast<float>(*from);
        from += channels;
      }
      *to++ = sum;
    }
  }
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5F), 0.0F, 255.0F));
}

}  // namespace

Tensor resize_image(const Tensor& image, Index height, Index width) {
  check<DTypeError>(image.dtype() == DType::uint8, "[resize_image] uint8 pixels expected, found {}",
                    name_of(image.dtype()));
  check<ShapeError>(image.rank() == 3 && image.numel() > 0,
                    "[resize_image] an image [H,W,C] expected, found {}", image.shape());
  check<ValueError>(height >= 1 && height <= kMaxResizeExtent && width >= 1 && width <= kMaxResizeExtent,
                    "[resize_image] a size from 1x1 to {0}x{0} expected, found {1}x{2}", kMaxResizeExtent,
                    height, width);
  const Index old_height = image.size(0), old_width = image.size(1), channels = image.size(2);
  if (height == old_height && width == old_width) return image;
  const std::vector<Taps> columns = triangle_taps(old_width, width);
  const std::vector<Taps> rows = triangle_taps(old_height, height);
  const auto row_size = static_cast<std::size_t>(width * channels);
  std::vector<float> wide(static_cast<std::size_t>(old_height) * row_size);
  for (Index y = 0; y < old_height; ++y) {
    resize_row(image.data<std::uint8_t>() + y * old_width * channels, columns, channels,
               wide.data() + static_cast<std::size_t>(y) * row_size);
  }
  Tensor result = Tensor::empty({height, width, channels}, DType::uint8);
  auto* to = result.data<std::uint8_t>();
  std::vector<float> sums(row_size);
  for (const Taps& taps : rows) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    const float* from = wide.data() + static_cast<std::size_t>(taps.first) * row_size;
    for (const float weight : taps.weights) {
      for (float& sum : sums) sum += weight * *from++;
    }
    to = std::transform(sums.begin(), sums.end(), to, to_byte);
  }
  return result;
}

}  // namespace keel::data
