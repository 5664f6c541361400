#include "keel/data/digit_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/image_support.h"
#include "keel/core/error.h"
#include "keel/core/rng.h"
#include "keel/data/image_transform.h"
#include "keel/data/synthetic_digits.h"

namespace keel::data {
namespace {

using testing::largest_difference;
using testing::message_of;

constexpr Index kDigits = 10;

Tensor digit(Index i) {
  static const auto digits = synthetic_digits({.count = kDigits, .part = SyntheticPart::test});
  return digits->images().rows(i, i + 1).reshape({28, 28, 1});
}

// The mean over pixels, of the best of all ways to lay one over the other with a shift of up to a pixel:
// where the centre lies at the edge of a pixel, a trace of light moves it to the next.
double mean_difference(const Tensor& a, const Tensor& b) {
  const Index height = a.size(0), width = a.size(1);
  const auto pixel = [&](const Tensor& image, Index y, Index x) {
    const bool inside = y >= 0 && x >= 0 && y < height && x < width;
    return inside ? int{image.data<std::uint8_t>()[y * width + x]} : 0;
  };
  double best = 255;
  for (const Index down : {-1, 0, 1}) {
    for (const Index right : {-1, 0, 1}) {
      double sum = 0;
      for (Index y = -1; y <= height; ++y) {
        for (Index x = -1; x <= width; ++x) sum += std::abs(pixel(a, y, x) - pixel(b, y + down, x + right));
      }
      best = std::min(best, sum / static_cast<double>(height * width));
    }
  }
  return best;
}

struct Scene {
  Index digit = 250;  // its size, on a canvas of `size`
  Index size = 400;
  Index top = 60;
  Index left = 130;
  double paper = 255;
  double ink = 0;
  double shadow = 0;  // the share of light that the lower right corner lacks
  double noise = 0;
};

// A digit of MNIST's kind as a camera or a scanner would see it.
Tensor photo_of(const Tensor& image, const Scene& scene) {
  const Tensor large = resize_image(image, scene.digit, scene.digit);
  Tensor photo = Tensor::empty({scene.size, scene.size, 1}, DType::uint8);
  auto* to = photo.data<std::uint8_t>();
  Rng rng(1, Stream::test);
  for (Index y = 0; y < scene.size; ++y) {
    for (Index x = 0; x < scene.size; ++x) {
      const Index row = y - scene.top, column = x - scene.left;
      const bool inside = row >= 0 && row < scene.digit && column >= 0 && column < scene.digit;
      const double share = inside ? large.data<std::uint8_t>()[row * scene.digit + column] / 255.0 : 0;
      const double far = static_cast<double>(x + y) / static_cast<double>(2 * scene.size);
      const double light = 1 - scene.shadow * far * far;
      const double value =
          light * (scene.paper + share * (scene.ink - scene.paper)) + scene.noise * rng.normal();
      *to++ = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
    }
  }
  return photo;
}

// Center of mass, in pixels from the upper left corner.
std::pair<double, double> center_of(const Tensor& image) {
  double mass = 0, down = 0, right = 0;
  for (Index y = 0; y < image.size(0); ++y) {
    for (Index x = 0; x < image.size(1); ++x) {
      const double value = image.at({y, x, 0});
      mass += value;
      down += value * (static_cast<double>(y) + 0.5);
      right += value * (static_cast<double>(x) + 0.5);
    }
  }
  return {down / mass, right / mass};
}

// Rows and columns that hold more than black.
std::pair<Index, Index> extent_of(const Tensor& image) {
  Index top = image.size(0), bottom = -1, left = image.size(1), right = -1;
  for (Index y = 0; y < image.size(0); ++y) {
    for (Index x = 0; x < image.size(1); ++x) {
      if (image.at({y, x, 0}) == 0) continue;
      top = std::min(top, y), bottom = std::max(bottom, y);
      left = std::min(left, x), right = std::max(right, x);
    }
  }
  return {bottom - top + 1, right - left + 1};
}

TEST(PrepareDigit, GivesMnistsFormat) {
  for (Index i = 0; i < kDigits; ++i) {
    const Tensor prepared = prepare_digit(photo_of(digit(i), {.noise = 3}));
    ASSERT_EQ(prepared.shape(), (Shape{28, 28, 1}));
    const auto [height, width] = extent_of(prepared);
    EXPECT_EQ(std::max(height, width), 20);
    const auto [down, right] = center_of(prepared);
    EXPECT_GE(std::min(down, right), 13.95);
    EXPECT_LE(std::max(down, right), 15.05);
    const auto values = prepared.values<std::uint8_t>();
    EXPECT_EQ(*std::max_element(values.begin(), values.end()), 255);
    EXPECT_EQ(values[0], 0);
  }
}

TEST(PrepareDigit, IsHardlyMovedByHowTheImageWasTaken) {
  const Scene dark{.paper = 0, .ink = 255};
  const Scene scan{.digit = 120, .size = 300, .top = 5, .left = 170, .paper = 240, .ink = 40, .noise = 3};
  const Scene shade{.digit = 600,
                    .size = 1500,
                    .top = 800,
                    .left = 200,
                    .paper = 200,
                    .ink = 50,
                    .shadow = 0.6,
                    .noise = 5};
  const Scene chalk{.paper = 60, .ink = 210, .shadow = 0.4, .noise = 5};
  const Scene small{.digit = 48, .size = 60, .top = 8, .left = 4, .paper = 180, .ink = 60, .noise = 2};
  for (Index i = 0; i < kDigits; ++i) {
    const Tensor expected = prepare_digit(photo_of(digit(i), {}));
    for (const Scene& scene : {dark, scan, shade, chalk, small}) {
      const double difference = mean_difference(prepare_digit(photo_of(digit(i), scene)), expected);
      EXPECT_LT(difference, 12) << "digit " << i << " on " << scene.paper;
    }
    // What 12 means.
    const Tensor other = prepare_digit(photo_of(digit((i + 1) % kDigits), {}));
    EXPECT_GT(mean_difference(other, expected), 20);
    // Once prepared, it stays as it is but for rounding.
    EXPECT_LT(mean_difference(prepare_digit(expected), expected), 5);
  }
}

TEST(PrepareDigit, TakesNoNoticeOfSpecksAndOfTheTablesEdge) {
  for (Index i = 0; i < kDigits; ++i) {
    const Scene scene{.paper = 230, .ink = 40};
    const Tensor clean = photo_of(digit(i), scene);
    Tensor dirty = clean.clone();
    auto* pixels = dirty.data<std::uint8_t>();
    for (Index y = 0; y < 400; ++y) std::fill_n(pixels + y * 400, 25, std::uint8_t{20});
    for (Index y = 380; y < 384; ++y) std::fill_n(pixels + y * 400 + 380, 4, std::uint8_t{20});
    EXPECT_LT(mean_difference(prepare_digit(dirty), prepare_digit(clean)), 8) << "digit " << i;
  }
}

TEST(PrepareDigit, MakesAThinPenAsThickAsMnists) {
  // A "1" and a "7" of lines 3 pixels wide and 300 high, of which a fifth of a pixel would be left.
  Tensor image = Tensor::full({400, 400, 1}, 255, DType::uint8);
  auto* pixels = image.data<std::uint8_t>();
  for (Index y = 50; y < 350; ++y) std::fill_n(pixels + y * 400 + 200, 3, std::uint8_t{0});
  for (Index y = 50; y < 53; ++y) std::fill_n(pixels + y * 400 + 60, 140, std::uint8_t{0});
  const Tensor prepared = prepare_digit(image);
  double ink = 0;
  for (const std::uint8_t value : prepared.values<std::uint8_t>()) ink += value / 255.0;
  // 29 pixels of line.
  EXPECT_NEAR(ink / 29, 1.8, 0.4);
}

TEST(PrepareDigit, ReadsColorAndFindsInkAsTold) {
  const Tensor gray = photo_of(digit(3), {.paper = 200, .ink = 20});
  Tensor color = Tensor::empty({400, 400, 3}, DType::uint8);
  for (Index i = 0; i < gray.numel(); ++i) {
    std::fill_n(color.data<std::uint8_t>() + 3 * i, 3, gray.data<std::uint8_t>()[i]);
  }
  const Tensor expected = prepare_digit(gray);
  EXPECT_EQ(largest_difference(prepare_digit(color), expected), 0);
  EXPECT_EQ(largest_difference(prepare_digit(gray, {.ink = Ink::dark}), expected), 0);
  EXPECT_GT(mean_difference(prepare_digit(photo_of(digit(3), {.paper = 120, .ink = 20}), {.ink = Ink::dark}),
                            Tensor::zeros({28, 28, 1}, DType::uint8)),
            10);
  EXPECT_THROW(prepare_digit(gray, {.ink = Ink::bright}), ValueError);
  EXPECT_EQ(prepare_digit(gray, {.height = 14, .width = 56}).shape(), (Shape{14, 56, 1}));
}

TEST(PrepareDigit, RefusesWhatHasNoDigit) {
  const std::string none = "[prepare_digit] a digit that stands out from its paper expected, found none";
  EXPECT_EQ(message_of<ValueError>([] {
              prepare_digit(Tensor::full({40, 30, 3}, 255, DType::uint8));
            }),
            none);
  EXPECT_EQ(message_of<ValueError>([] { prepare_digit(Tensor::full({1, 1, 1}, 9, DType::uint8)); }), none);
  const Tensor blank = Tensor::zeros({28, 28, 1}, DType::uint8);
  EXPECT_EQ(message_of<ValueError>(
                [&] { prepare_digit(photo_of(blank, {.paper = 150, .shadow = 0.5, .noise = 8})); }),
            none);
  EXPECT_EQ(message_of<ValueError>([&] { prepare_digit(blank, {.height = 3}); }),
            "[prepare_digit] a size from 4x4 to 4096x4096 expected, found 3x28");
  EXPECT_EQ(message_of<ShapeError>([&] {
              prepare_digit(blank.reshape({28, 28}));
            }),
            "[prepare_digit] an image [H,W,1] or [H,W,3] expected, found [28,28]");
}

TEST(HasBrightBorder, TellsPaperFromMnistsBlack) {
  EXPECT_FALSE(has_bright_border(digit(0)));
  EXPECT_TRUE(has_bright_border(photo_of(digit(0), {.paper = 180})));
  EXPECT_FALSE(has_bright_border(photo_of(digit(0), {.paper = 70, .ink = 255})));
}

}  // namespace
}  // namespace keel::data
