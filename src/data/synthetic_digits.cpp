#include "keel/data/synthetic_digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "data/digit_strokes.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"
#include "keel/core/rng.h"

// Drawn by +, -, *, / and square roots alone, whose results IEEE prescribes: sines and logarithms differ
// between mathematical libraries, and with them the images would.

namespace keel::data {
namespace {

constexpr Index kSide = 28;
constexpr Index kPixels = kSide * kSide;
constexpr int kDigits = 10;
constexpr Index kImagesPerChunk = 64;
constexpr int kPiecesPerSpan = 6;

// The ranges of what is random. Lengths are in pixels, except those of the elastic distortion, in heights of
// a digit.
constexpr double kHeight = 20;  // MNIST's digits fill a box of 20 x 20 pixels
constexpr double kScaleSpread = 0.1;
constexpr double kAspectSpread = 0.13;
constexpr double kSlantSpread = 0.2;
constexpr double kHalfTurnSpread = 0.075;  // of tan(angle / 2): 8.6 degrees
constexpr double kShiftSpread = 1.2;
constexpr double kElasticSpread = 0.125;
constexpr double kMinRadius = 0.75;
constexpr double kMaxRadius = 1.75;
constexpr double kPressure = 0.25;  // how much the pen's radius changes along a stroke, as a part of it
constexpr double kSoftness = 0.6;   // half the width of an edge
constexpr double kMaxNoise = 0.1;   // standard deviation, white being 1

// Nearly normal, with mean 0 and standard deviation `spread`, and never beyond 3.5 of them: a sum of four
// uniforms.
double spread_out(Rng& rng, double spread) {
  const double sum = rng.uniform() + rng.uniform() + rng.uniform() + rng.uniform();
  return (sum - 2) * std::sqrt(3.0) * spread;
}

// A smooth random displacement: a uniform cubic B-spline over the square of [-0.75, 0.75] with random
// coefficients.
class ElasticField {
 public:
  explicit ElasticField(Rng& rng) {
    for (Point& coefficient : coefficients_) {
      coefficient = {spread_out(rng, kElasticSpread), spread_out(rng, kElasticSpread)};
    }
  }

  Point displaced(const Point& p) const {
    const auto [column, x_weights] = place(p.x);
    const auto [row, y_weights] = place(p.y);
    Point result = p;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        const Point& coefficient = coefficients_[(row + i) * kKnots + column + j];
        result.x += y_weights[i] * x_weights[j] * coefficient.x;
        result.y += y_weights[i] * x_weights[j] * coefficient.y;
      }
    }
    return result;
  }

 private:
  static constexpr std::size_t kCells = 4;
  static constexpr std::size_t kKnots = kCells + 3;

  // The cell that a coordinate lies in, and the weights of its four coefficients.
  static std::pair<std::size_t, std::array<double, 4>> place(double coordinate) {
    const double position = std::clamp((coordinate + 0.75) / 1.5, 0.0, 1.0) * kCells;
    const std::size_t cell = std::min(static_cast<std::size_t>(position), kCells - 1);
    const double t = position - static_cast<double>(cell);
    const double u = 1 - t;
    return {cell,
            {u * u * u / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * u * u * u - 6 * u * u + 4) / 6,
             t * t * t / 6}};
  }

  std::array<Point, kKnots * kKnots> coefficients_;
};

// From digit coordinates to pixels: size and proportions, slant, rotation, shift.
class AffineMap {
 public:
  explicit AffineMap(Rng& rng) {
    const double scale = kHeight * (1 + spread_out(rng, kScaleSpread));
    const double aspect = 1 + spread_out(rng, kAspectSpread);
    const double slant = spread_out(rng, kSlantSpread);
    const double half = spread_out(rng, kHalfTurnSpread);
    const double cosine = (1 - half * half) / (1 + half * half);
    const double sine = 2 * half / (1 + half * half);
    // The rotation times [aspect, -slant; 0, 1]: a positive slant leans to the right, y pointing down.
    xx_ = scale * cosine * aspect;
    xy_ = scale * (-cosine * slant - sine);
    yx_ = scale * sine * aspect;
    yy_ = scale * (-sine * slant + cosine);
    shift_ = {(kSide - 1) / 2.0 + spread_out(rng, kShiftSpread),
              (kSide - 1) / 2.0 + spread_out(rng, kShiftSpread)};
  }

  Point operator()(const Point& p) const {
    return {xx_ * p.x + xy_ * p.y + shift_.x, yx_ * p.x + yy_ * p.y + shift_.y};
  }

 private:
  double xx_, xy_, yx_, yy_;
  Point shift_;
};

// The end of a piece of a stroke, in pixels, and the pen's radius there.
struct PenPoint {
  Point at;
  double radius;
};

// Darkens the pixels near the straight piece from a to b; where pieces overlap, the darker counts.
void draw_piece(const PenPoint& a, const PenPoint& b, std::span<double, kPixels> ink) {
  const double reach = std::max(a.radius, b.radius) + kSoftness;
  const auto first = [&](double p, double q) {
    return static_cast<Index>(std::ceil(std::clamp(std::min(p, q) - reach, 0.0, double{kSide})));
  };
  const auto last = [&](double p, double q) {
    return static_cast<Index>(std::floor(std::clamp(std::max(p, q) + reach, -1.0, kSide - 1.0)));
  };
  const double dx = b.at.x - a.at.x;
  const double dy = b.at.y - a.at.y;
  const double inverse = 1 / std::max(dx * dx + dy * dy, 1e-12);
  for (Index row = first(a.at.y, b.at.y); row <= last(a.at.y, b.at.y); ++row) {
    for (Index column = first(a.at.x, b.at.x); column <= last(a.at.x, b.at.x); ++column) {
      const double px = static_cast<double>(column) - a.at.x;
      const double py = static_cast<double>(row) - a.at.y;
      // The nearest point of the piece.
      const double t = std::clamp((px * dx + py * dy) * inverse, 0.0, 1.0);
      const double ex = px - t * dx;
      const double ey = py - t * dy;
      const double depth = a.radius + t * (b.radius - a.radius) - std::sqrt(ex * ex + ey * ey);
      const double edge = std::clamp((depth + kSoftness) / (2 * kSoftness), 0.0, 1.0);
      double& pixel = ink[static_cast<std::size_t>(row * kSide + column)];
      pixel = std::max(pixel, edge * edge * (3 - 2 * edge));
    }
  }
}

void draw_glyph(const Glyph& glyph, Rng& rng, std::span<double, kPixels> ink) {
  const ElasticField elastic(rng);
  const AffineMap map(rng);
  const double radius = rng.uniform(kMinRadius, kMaxRadius);
  for (const Stroke& stroke : glyph) {
    // Straight strokes in pieces too, as the distortion bends them.
    const Stroke points = flatten(stroke, kPiecesPerSpan);
    const double start = radius * (1 + rng.uniform(-kPressure, kPressure));
    const double end = radius * (1 + rng.uniform(-kPressure, kPressure));
    PenPoint previous{map(elastic.displaced(points.front())), start};
    for (std::size_t i = 1; i < points.size(); ++i) {
      const double along = static_cast<double>(i) / static_cast<double>(points.size() - 1);
      const PenPoint next{map(elastic.displaced(points[i])), start + along * (end - start)};
      draw_piece(previous, next, ink);
      previous = next;
    }
  }
}

// Image and label number i of a part: everything random in them comes from this one stream.
std::int32_t draw_image(Rng rng, std::uint8_t* pixels) {
  const auto digit = static_cast<std::int32_t>(rng.below(kDigits));
  const std::vector<Glyph>& glyphs = glyphs_of(digit);
  std::array<double, kPixels> ink{};
  draw_glyph(glyphs[static_cast<std::size_t>(rng.below(static_cast<Index>(glyphs.size())))], rng, ink);

  const double noise = rng.uniform(0, kMaxNoise);
  // The sum of four random bytes has mean 510 and variance 4 (256^2 - 1) / 12.
  const double per_unit = noise / std::sqrt((256.0 * 256.0 - 1) / 3);
  for (std::size_t p = 0; p < ink.size(); ++p) {
    const std::uint32_t bits = rng.next_u32();
    const auto sum =
        static_cast<double>((bits & 255U) + (bits >> 8 & 255U) + (bits >> 16 & 255U) + (bits >> 24));
    const double value = std::clamp(ink[p] + (sum - 510) * per_unit, 0.0, 1.0);
    pixels[p] = static_cast<std::uint8_t>(value * 255 + 0.5);
  }
  return digit;
}

}  // namespace

std::shared_ptr<const ImageDataset> synthetic_digits(const SyntheticDigitsOptions& options) {
  check<ValueError>(options.count >= 1, "[synthetic_digits] 1 image or more expected, found {}",
                    options.count);
  Tensor images = Tensor::empty({options.count, kSide, kSide}, DType::uint8);
  Tensor labels = Tensor::empty({options.count}, DType::int32);
  auto* pixels = images.data<std::uint8_t>();
  auto* digits = labels.data<std::int32_t>();
  const Rng part = Rng(options.seed, Stream::data).substream(static_cast<std::uint64_t>(options.part));
  parallel_for(options.count, kImagesPerChunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      digits[i] = draw_image(part.substream(static_cast<std::uint64_t>(i)), pixels + i * kPixels);
    }
  });
  const char* kind = options.part == SyntheticPart::training ? "training" : "test";
  return std::make_shared<const ImageDataset>(ImageDatasetOptions{
      .images = images,
      .labels = labels,
      .num_classes = kDigits,
      .description =
          fmt::format("synthetic digits, {} set, {} examples, seed {}", kind, options.count, options.seed)});
}

TrainTest synthetic_digits_sets(const SyntheticSetsOptions& options) {
  return {
      synthetic_digits({.count = options.train_count, .seed = options.seed, .part = SyntheticPart::training}),
      synthetic_digits({.count = options.test_count, .seed = options.seed, .part = SyntheticPart::test})};
}

}  // namespace keel::data
