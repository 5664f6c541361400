// The ways to write each digit, as strokes of a pen.
#pragma once

#include <vector>

namespace keel::data {

// y points down. Digits are one unit high, in [-0.5, 0.5], and centred on the origin.
struct Point {
  double x = 0;
  double y = 0;
};

// A smooth curve through these points; of two points, a straight line. A corner is where a stroke ends and
// the next one begins.
using Stroke = std::vector<Point>;

// One way to write a digit.
using Glyph = std::vector<Stroke>;

// All ways to write a digit from 0 to 9; at least one.
const std::vector<Glyph>& glyphs_of(int digit);

// The stroke as a polyline: every span between two points in `pieces` straight pieces.
Stroke flatten(const Stroke& stroke, int pieces);

}  // namespace keel::data
