#include "data/digit_strokes.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace keel::data {
namespace {

using Glyphs = std::array<std::vector<Glyph>, 10>;

std::vector<Glyph> zeros() {
  return {
      {{{0.04, -0.5},
        {-0.2, -0.36},
        {-0.3, 0},
        {-0.2, 0.38},
        {0, 0.5},
        {0.22, 0.36},
        {0.3, 0},
        {0.2, -0.38},
        {0, -0.49}}},
      // Closed in haste: the pen ends inside.
      {{{0.14, -0.44},
        {-0.08, -0.48},
        {-0.25, -0.22},
        {-0.27, 0.2},
        {-0.08, 0.5},
        {0.18, 0.36},
        {0.27, 0},
        {0.2, -0.34},
        {0, -0.42}}},
  };
}

std::vector<Glyph> ones() {
  return {
      {{{0.02, -0.5}, {-0.02, 0.5}}},
      {{{-0.17, -0.28}, {0.03, -0.5}}, {{0.03, -0.5}, {0.03, 0.5}}},
      {{{-0.17, -0.3}, {0.02, -0.5}}, {{0.02, -0.5}, {0.02, 0.49}}, {{-0.21, 0.5}, {0.23, 0.48}}},
  };
}

std::vector<Glyph> twos() {
  return {
      {{{-0.26, -0.3}, {-0.15, -0.46}, {0.05, -0.5}, {0.23, -0.36}, {0.2, -0.1}, {0, 0.18}, {-0.28, 0.47}},
       {{-0.28, 0.47}, {0.31, 0.46}}},
      // With a loop at the foot.
      {{{-0.25, -0.34},
        {-0.03, -0.5},
        {0.2, -0.38},
        {0.17, -0.1},
        {-0.04, 0.24},
        {-0.22, 0.45},
        {-0.31, 0.38},
        {-0.21, 0.27},
        {-0.02, 0.38},
        {0.15, 0.48},
        {0.33, 0.4}}},
  };
}

std::vector<Glyph> threes() {
  return {
      {{{-0.24, -0.38}, {-0.05, -0.5}, {0.19, -0.4}, {0.17, -0.16}, {-0.06, -0.04}},
       {{-0.06, -0.04}, {0.2, 0.06}, {0.26, 0.3}, {0.04, 0.5}, {-0.26, 0.4}}},
      // With a flat top.
      {{{-0.22, -0.48}, {0.22, -0.48}},
       {{0.22, -0.48}, {-0.03, -0.08}},
       {{-0.03, -0.08}, {0.21, 0.04}, {0.24, 0.32}, {0.02, 0.5}, {-0.26, 0.38}}},
  };
}

std::vector<Glyph> fours() {
  return {
      // Open at the top, with a corner.
      {{{-0.16, -0.48}, {-0.23, -0.14}, {-0.27, 0.06}},
       {{-0.27, 0.06}, {0.3, 0.04}},
       {{0.14, -0.34}, {0.1, 0.5}}},
      // Closed, as printed.
      {{{0.13, -0.5}, {-0.3, 0.14}}, {{-0.3, 0.14}, {0.31, 0.14}}, {{0.13, -0.5}, {0.12, 0.5}}},
      // Open and round.
      {{{-0.22, -0.46}, {-0.27, -0.14}, {-0.12, 0.02}, {0.08, -0.02}, {0.19, -0.12}},
       {{0.22, -0.48}, {0.18, 0.02}, {0.14, 0.5}}},
  };
}

std::vector<Glyph> fives() {
  return {
      {{{0.25, -0.48}, {-0.16, -0.46}},
       {{-0.16, -0.46}, {-0.2, -0.06}},
       {{-0.2, -0.06}, {0.02, -0.13}, {0.24, 0.05}, {0.22, 0.34}, {-0.02, 0.5}, {-0.26, 0.4}}},
      // In one stroke.
      {{{0.27, -0.48},
        {0, -0.47},
        {-0.17, -0.4},
        {-0.18, -0.16},
        {0.02, -0.06},
        {0.21, 0.12},
        {0.17, 0.38},
        {-0.05, 0.5},
        {-0.26, 0.42}}},
  };
}

std::vector<Glyph> sixes() {
  return {
      {{{0.17, -0.5},
        {-0.09, -0.26},
        {-0.24, 0.08},
        {-0.19, 0.4},
        {0.03, 0.5},
        {0.22, 0.34},
        {0.18, 0.1},
        {-0.02, 0.04},
        {-0.2, 0.2}}},
      // Upright, with a small bowl.
      {{{0, -0.5},
        {-0.15, -0.2},
        {-0.22, 0.16},
        {-0.14, 0.44},
        {0.08, 0.49},
        {0.22, 0.3},
        {0.11, 0.12},
        {-0.09, 0.16},
        {-0.2, 0.3}}},
  };
}

std::vector<Glyph> sevens() {
  return {
      {{{-0.26, -0.46}, {0.26, -0.46}}, {{0.26, -0.46}, {0.06, -0.02}, {-0.07, 0.5}}},
      // Crossed.
      {{{-0.25, -0.46}, {0.26, -0.47}}, {{0.26, -0.47}, {0.05, 0}, {-0.08, 0.5}}, {{-0.14, 0.03}, {0.23, 0}}},
      // With a serif and a bent bar.
      {{{-0.27, -0.28}, {-0.24, -0.46}},
       {{-0.24, -0.46}, {0, -0.42}, {0.26, -0.48}},
       {{0.26, -0.48}, {0.1, -0.04}, {0.02, 0.5}}},
  };
}

std::vector<Glyph> eights() {
  return {
      {{{0.16, -0.4},
        {-0.03, -0.5},
        {-0.19, -0.34},
        {-0.05, -0.1},
        {0.19, 0.14},
        {0.2, 0.38},
        {0, 0.5},
        {-0.2, 0.38},
        {-0.17, 0.14},
        {0.05, -0.1},
        {0.19, -0.3},
        {0.13, -0.46}}},
      // Of two rings.
      {{{0.02, -0.5}, {-0.18, -0.38}, {-0.17, -0.14}, {0.01, -0.03}, {0.18, -0.16}, {0.18, -0.38}, {0, -0.5}},
       {{0.01, -0.03}, {-0.22, 0.1}, {-0.22, 0.38}, {0.01, 0.5}, {0.23, 0.37}, {0.22, 0.1}, {0, -0.03}}},
  };
}

std::vector<Glyph> nines() {
  const Stroke bowl{{0.21, -0.34},  {0.04, -0.5},  {-0.19, -0.38}, {-0.2, -0.12},
                    {-0.01, -0.02}, {0.17, -0.16}, {0.22, -0.4}};
  return {
      {bowl, {{0.22, -0.4}, {0.2, 0}, {0.14, 0.5}}},
      // With a curled stem.
      {bowl, {{0.22, -0.4}, {0.23, 0.08}, {0.1, 0.42}, {-0.2, 0.46}}},
  };
}

}  // namespace

const std::vector<Glyph>& glyphs_of(int digit) {
  static const Glyphs glyphs{zeros(), ones(),  twos(),   threes(), fours(),
                             fives(), sixes(), sevens(), eights(), nines()};
  return glyphs[static_cast<std::size_t>(digit)];
}

Stroke flatten(const Stroke& stroke, int pieces) {
  // Catmull and Rom, "A class of local interpolating splines", 1974: the tangent at a point is half the way
  // from the one before to the one after. The ends stand for their missing neighbours.
  const std::size_t last = stroke.size() - 1;
  Stroke points{stroke.front()};
  for (std::size_t i = 0; i < last; ++i) {
    const Point& a = stroke[i == 0 ? 0 : i - 1];
    const Point& b = stroke[i];
    const Point& c = stroke[i + 1];
    const Point& d = stroke[std::min(i + 2, last)];
    for (int piece = 1; piece <= pieces; ++piece) {
      const double t = static_cast<double>(piece) / pieces;
      const auto at = [t](double p0, double p1, double p2, double p3) {
        return p1 + t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))) / 2;
      };
      points.push_back({at(a.x, b.x, c.x, d.x), at(a.y, b.y, c.y, d.y)});
    }
  }
  return points;
}

}  // namespace keel::data
