#include "keel/data/digit_image.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ink.h"
#include "keel/core/error.h"
#include "keel/data/image_transform.h"

namespace keel::data {
namespace {

// A digit in a photo is at least some twentieth of it: more pixels would be averaged away at the end.
constexpr Index kLargestSide = 1024;
// What the paper's light is told from.
constexpr Index kSurfaceSide = 96;
// What the cropped digit is worked on at.
constexpr Index kWorkingSide = 160;

void check_image(const char* operation, const Tensor& image) {
  check<DTypeError>(image.dtype() == DType::uint8, "[{}] uint8 pixels expected, found {}", operation,
                    name_of(image.dtype()));
  check<ShapeError>(image.rank() == 3 && image.numel() > 0 && (image.size(2) == 1 || image.size(2) == 3),
                    "[{}] an image [H,W,1] or [H,W,3] expected, found {}", operation, image.shape());
}

Tensor shrunk_to(const Tensor& image, Index side) {
  const Index longest = std::max(image.size(0), image.size(1));
  if (longest <= side) return image;
  const auto shrunk = [&](Index extent) { return std::max<Index>(1, extent * side / longest); };
  return resize_image(image, shrunk(image.size(0)), shrunk(image.size(1)));
}

Plane gray_plane(const Tensor& image) {
  Plane plane(image.size(0), image.size(1));
  const auto* from = image.data<std::uint8_t>();
  for (float& value : plane.values) {
    value = static_cast<float>(*from++);
    if (image.size(2) == 1) continue;
    value = (77 * value + static_cast<float>(150 * from[0] + 29 * from[1])) / 256;
    from += 2;
  }
  return plane;
}

Tensor bytes_of(const Plane& plane) {
  Tensor image = Tensor::empty({plane.height, plane.width, 1}, DType::uint8);
  std::transform(plane.values.begin(), plane.values.end(), image.data<std::uint8_t>(), [](float value) {
    return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5F), 0.0F, 255.0F));
  });
  return image;
}

Plane cropped(const Plane& plane, const Box& box) {
  Plane result(box.bottom - box.top, box.right - box.left);
  for (Index y = 0; y < result.height; ++y) {
    for (Index x = 0; x < result.width; ++x) result.at(y, x) = plane.at(box.top + y, box.left + x);
  }
  return result;
}

// The mean width of strokes: a stroke's outline is twice its length. Counted along pixels, an outline is 4 /
// pi times too long on average over directions.
float stroke_width(const Plane& plane) {
  Index area = 0, outline = 0;
  const auto inside = [&](Index y, Index x) {
    return y >= 0 && x >= 0 && y < plane.height && x < plane.width && plane.at(y, x) >= 128;
  };
  for (Index y = 0; y < plane.height; ++y) {
    for (Index x = 0; x < plane.width; ++x) {
      if (!inside(y, x)) continue;
      ++area;
      outline += !inside(y - 1, x) + !inside(y + 1, x) + !inside(y, x - 1) + !inside(y, x + 1);
    }
  }
  return outline == 0 ? 0 : 2 * static_cast<float>(area) / (static_cast<float>(outline) * 0.7854F);
}

// Each pixel becomes the brightest within the radius, on a plane that is larger by it on all sides.
Plane thickened(const Plane& plane, float radius) {
  const auto reach = static_cast<Index>(std::ceil(radius));
  Plane result(plane.height + 2 * reach, plane.width + 2 * reach);
  for (Index dy = -reach; dy <= reach; ++dy) {
    for (Index dx = -reach; dx <= reach; ++dx) {
      // The rim of the disk is soft.
      const float share = std::min(1.0F, radius + 0.5F - std::sqrt(static_cast<float>(dy * dy + dx * dx)));
      if (share <= 0) continue;
      for (Index y = 0; y < plane.height; ++y) {
        for (Index x = 0; x < plane.width; ++x) {
          float& to = result.at(y + reach + dy, x + reach + dx);
          to = std::max(to, share * plane.at(y, x));
        }
      }
    }
  }
  return result;
}

// The digit in a box, its longer side that of the box.
Plane fitted(const Plane& plane, Index box_height, Index box_width) {
  const double scale = std::min(static_cast<double>(box_height) / static_cast<double>(plane.height),
                                static_cast<double>(box_width) / static_cast<double>(plane.width));
  const auto extent = [&](Index old, Index most) {
    return std::clamp<Index>(std::llround(static_cast<double>(old) * scale), 1, most);
  };
  return gray_plane(
      resize_image(bytes_of(plane), extent(plane.height, box_height), extent(plane.width, box_width)));
}

Plane with_pen_of_mnist(Plane digit, Index box_height, Index box_width) {
  constexpr float kThinnest = 1.6F, kWanted = 2;  // of a box of 20 pixels
  const Index longest = std::max(digit.height, digit.width);
  if (longest > kWorkingSide) digit = gray_plane(shrunk_to(bytes_of(digit), kWorkingSide));
  const float per_pixel = static_cast<float>(std::max(digit.height, digit.width)) / 20;
  const float width = stroke_width(digit) / per_pixel;
  if (width <= 0 || width >= kThinnest) return fitted(digit, box_height, box_width);
  return fitted(thickened(digit, (kWanted - width) / 2 * per_pixel), box_height, box_width);
}

// Puts the digit's centre of mass at the centre, or less than a pixel below and to the right of it: that is
// where it is in every image of MNIST. Edges may leave no room for that.
Tensor centered(const Plane& digit, Index height, Index width) {
  double mass = 0, down = 0, right = 0;
  for (Index y = 0; y < digit.height; ++y) {
    for (Index x = 0; x < digit.width; ++x) {
      const double value = digit.at(y, x);
      mass += value;
      down += value * (static_cast<double>(y) + 0.5);
      right += value * (static_cast<double>(x) + 0.5);
    }
  }
  const auto offset = [mass](Index extent, double moment, Index own) {
    const double wanted = static_cast<double>(extent) / 2 - (mass > 0 ? moment / mass : 0);
    return std::clamp<Index>(static_cast<Index>(std::ceil(wanted)), 0, extent - own);
  };
  const Index top = offset(height, down, digit.height), left = offset(width, right, digit.width);
  Plane field(height, width);
  const float brightest = *std::max_element(digit.values.begin(), digit.values.end());
  for (Index y = 0; y < digit.height; ++y) {
    for (Index x = 0; x < digit.width; ++x) {
      field.at(top + y, left + x) = brightest > 0 ? digit.at(y, x) * 255 / brightest : 0;
    }
  }
  return bytes_of(field);
}

}  // namespace

Tensor prepare_digit(const Tensor& image, const DigitOptions& options) {
  constexpr Index kLeast = 4;
  check_image("prepare_digit", image);
  check<ValueError>(std::min(options.height, options.width) >= kLeast &&
                        std::max(options.height, options.width) <= kMaxResizeExtent,
                    "[prepare_digit] a size from {0}x{0} to {1}x{1} expected, found {2}x{3}", kLeast,
                    kMaxResizeExtent, options.height, options.width);
  const Tensor shrunk = shrunk_to(image, kLargestSide);
  Plane plane = gray_plane(shrunk);
  subtract_paper(plane, gray_plane(shrunk_to(shrunk, kSurfaceSide)));
  orient(plane, options.ink);
  stretch(plane);
  const Box box = isolate(plane);
  const Index box_height = options.height * 20 / 28, box_width = options.width * 20 / 28;
  return centered(with_pen_of_mnist(cropped(plane, box), box_height, box_width), options.height,
                  options.width);
}

bool has_bright_border(const Tensor& image) {
  check_image("has_bright_border", image);
  const Plane plane = gray_plane(image);
  std::vector<float> border;
  for (Index y = 0; y < plane.height; ++y) {
    for (Index x = 0; x < plane.width; ++x) {
      if (y == 0 || x == 0 || y == plane.height - 1 || x == plane.width - 1) border.push_back(plane.at(y, x));
    }
  }
  return median_of(border) > 127.5F;
}

}  // namespace keel::data
