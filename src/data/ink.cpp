#include "ink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "keel/core/error.h"

namespace keel::data {
namespace {

// Solves a x = b for a symmetric positive definite matrix, by Cholesky's decomposition.
constexpr std::size_t kTerms = 6;
using Vector = std::array<double, kTerms>;
using Matrix = std::array<Vector, kTerms>;

Vector solve(Matrix a, Vector b) {
  for (std::size_t j = 0; j < kTerms; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(a[j][j]);
    for (std::size_t i = j + 1; i < kTerms; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
    for (std::size_t k = 0; k < j; ++k) b[j] -= a[j][k] * b[k];
    b[j] /= a[j][j];
  }
  for (std::size_t j = kTerms; j-- > 0;) {
    for (std::size_t i = j + 1; i < kTerms; ++i) b[j] -= a[i][j] * b[i];
    b[j] /= a[j][j];
  }
  return b;
}

// 1, x, y, x^2, x y, y^2 with x and y from -1 to 1.
Vector terms_at(const Plane& plane, Index y, Index x) {
  const double u = (2 * static_cast<double>(x) + 1) / static_cast<double>(plane.width) - 1;
  const double v = (2 * static_cast<double>(y) + 1) / static_cast<double>(plane.height) - 1;
  return {1, u, v, u * u, u * v, v * v};
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < kTerms; ++i) sum += a[i] * b[i];
  return sum;
}

// A quadratic surface through the brightness of the paper, fitted with weights that fall with the distance
// from it, so that ink hardly counts.
Vector paper_surface(const Plane& plane) {
  constexpr int kRounds = 12;
  constexpr double kRidge = 1e-3;  // for images of a few pixels
  // Paper is the larger part of the image.
  Vector surface = {median_of(plane.values)};
  double spread = 64;
  for (int round = 0; round < kRounds; ++round, spread = std::max(8.0, spread * 0.8)) {
    Matrix a{};
    Vector b{};
    for (Index y = 0; y < plane.height; ++y) {
      for (Index x = 0; x < plane.width; ++x) {
        const Vector terms = terms_at(plane, y, x);
        const double away = (plane.at(y, x) - dot(terms, surface)) / spread;
        const double weight = 1 / ((1 + away * away) * (1 + away * away));
        for (std::size_t i = 0; i < kTerms; ++i) {
          for (std::size_t j = 0; j <= i; ++j) a[i][j] += weight * terms[i] * terms[j];
          b[i] += weight * terms[i] * plane.at(y, x);
        }
      }
    }
    const double ridge = kRidge * (a[0][0] + 1);
    for (std::size_t i = 0; i < kTerms; ++i) a[i][i] += ridge;
    b[0] += ridge * surface[0];
    surface = solve(a, b);
  }
  return surface;
}

// Otsu's threshold between 0 and 255.
float threshold_of(const Plane& plane) {
  std::array<double, 256> counts{};
  for (const float value : plane.values) {
    counts[static_cast<std::size_t>(std::clamp(value, 0.0F, 255.0F))] += 1;
  }
  double total = 0, total_sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    total_sum += counts[i] * static_cast<double>(i);
  }
  double below = 0, below_sum = 0, best = -1;
  std::size_t threshold = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    below += counts[i];
    below_sum += counts[i] * static_cast<double>(i);
    const double above = total - below;
    if (below == 0 || above == 0) continue;
    const double gap = below_sum / below - (total_sum - below_sum) / above;
    if (const double between = below * above * gap * gap; between > best) {
      best = between;
      threshold = i;
    }
  }
  return static_cast<float>(threshold) + 1;
}

struct Component {
  Index area = 0;
  bool at_edge = false;
};

// Numbers the pixels above the threshold by the connected component they belong to, 0 for those below it.
std::vector<Component> components_of(const Plane& plane, float threshold,
                                     std::vector<std::int32_t>& numbers) {
  numbers.assign(plane.values.size(), 0);
  std::vector<Component> components(1);
  std::vector<Index> open;
  for (Index start = 0; start < plane.height * plane.width; ++start) {
    const auto fresh = [&](Index i) {
      return plane.values[static_cast<std::size_t>(i)] >= threshold &&
             numbers[static_cast<std::size_t>(i)] == 0;
    };
    if (!fresh(start)) continue;
    const auto number = static_cast<std::int32_t>(components.size());
    Component component;
    numbers[static_cast<std::size_t>(start)] = number;
    open.push_back(start);
    while (!open.empty()) {
      const Index y = open.back() / plane.width, x = open.back() % plane.width;
      open.pop_back();
      ++component.area;
      component.at_edge |= y == 0 || x == 0 || y == plane.height - 1 || x == plane.width - 1;
      for (Index ny = std::max<Index>(0, y - 1); ny <= std::min(plane.height - 1, y + 1); ++ny) {
        for (Index nx = std::max<Index>(0, x - 1); nx <= std::min(plane.width - 1, x + 1); ++nx) {
          const Index next = ny * plane.width + nx;
          if (!fresh(next)) continue;
          numbers[static_cast<std::size_t>(next)] = number;
          open.push_back(next);
        }
      }
    }
    components.push_back(component);
  }
  return components;
}

}  // namespace

float median_of(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void subtract_paper(Plane& plane, const Plane& coarse) {
  const Vector surface = paper_surface(coarse);
  for (Index y = 0; y < plane.height; ++y) {
    for (Index x = 0; x < plane.width; ++x) {
      plane.at(y, x) -= static_cast<float>(dot(terms_at(plane, y, x), surface));
    }
  }
}

void orient(Plane& plane, Ink ink) {
  double cubes = 0;
  for (const float value : plane.values) cubes += std::pow(static_cast<double>(value), 3);
  if (ink == Ink::dark || (ink == Ink::detect && cubes < 0)) {
    for (float& value : plane.values) value = -value;
  }
}

void stretch(Plane& plane) {
  const float threshold = threshold_of(plane);
  std::vector<float> ink, paper;
  for (const float value : plane.values) (value >= threshold ? ink : paper).push_back(value);
  double paper_squares = 0;
  for (float& value : paper) {
    value = std::abs(value);
    paper_squares += static_cast<double>(value) * value;
  }
  constexpr float kLeastContrast = 12, kLeastRatio = 3.5F;
  const float level = ink.empty() ? 0 : median_of(ink);
  const double noise = paper.empty() ? 0 : std::sqrt(paper_squares / static_cast<double>(paper.size()));
  check<ValueError>(level >= kLeastContrast && level >= kLeastRatio * noise,
                    "[prepare_digit] a digit that stands out from its paper expected, found none");
  // Three standard deviations, by the median absolute deviation.
  const float floor = paper.empty() ? 0 : std::min(threshold / 2, 3 * 1.4826F * median_of(paper));
  for (float& value : plane.values) value = std::clamp((value - floor) / (level - floor), 0.0F, 1.0F) * 255;
}

Box isolate(Plane& plane) {
  constexpr float kEdge = 128;   // of a stroke: between paper and ink
  constexpr Index kSpeck = 33;   // of the largest component
  constexpr Index kInside = 12;  // a digit beside what touches the edge is at least this part of it
  std::vector<std::int32_t> numbers;
  std::vector<Component> components = components_of(plane, kEdge, numbers);
  Index largest = 0, largest_inside = 0;
  for (const Component& c : components) {
    largest = std::max(largest, c.area);
    if (!c.at_edge) largest_inside = std::max(largest_inside, c.area);
  }
  const bool inside_only = largest_inside * kInside >= largest;
  if (inside_only) largest = largest_inside;
  std::vector<bool> kept;
  for (const Component& c : components) {
    kept.push_back(c.area > 0 && c.area * kSpeck >= largest && !(inside_only && c.at_edge));
  }
  Box box{.top = plane.height, .left = plane.width, .bottom = 0, .right = 0};
  std::vector<bool> near(plane.values.size());
  for (Index y = 0; y < plane.height; ++y) {
    for (Index x = 0; x < plane.width; ++x) {
      const auto number = static_cast<std::size_t>(numbers[static_cast<std::size_t>(y * plane.width + x)]);
      if (!kept[number]) continue;
      box = {std::min(box.top, y), std::min(box.left, x), std::max(box.bottom, y + 1),
             std::max(box.right, x + 1)};
      // The soft edge of a stroke belongs to it.
      for (Index ny = std::max<Index>(0, y - 1); ny <= std::min(plane.height - 1, y + 1); ++ny) {
        for (Index nx = std::max<Index>(0, x - 1); nx <= std::min(plane.width - 1, x + 1); ++nx) {
          near[static_cast<std::size_t>(ny * plane.width + nx)] = true;
        }
      }
    }
  }
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (!near[i]) plane.values[i] = 0;
  }
  return box;
}

}  // namespace keel::data
