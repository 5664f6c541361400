// Ink told from paper.
#pragma once

#include <vector>

#include "keel/core/shape.h"
#include "keel/data/digit_image.h"

namespace keel::data {

// Brightness, row by row.
struct Plane {
  Index height = 0;
  Index width = 0;
  std::vector<float> values;

  Plane(Index h, Index w) : height(h), width(w), values(static_cast<std::size_t>(h * w)) {}
  float& at(Index y, Index x) { return values[static_cast<std::size_t>(y * width + x)]; }
  float at(Index y, Index x) const { return values[static_cast<std::size_t>(y * width + x)]; }
};

// Rows [top, bottom) and columns [left, right).
struct Box {
  Index top = 0;
  Index left = 0;
  Index bottom = 0;
  Index right = 0;
};

float median_of(std::vector<float> values);

// Takes away the brightness of the paper, a quadratic surface told from `coarse`, the same image at any size.
void subtract_paper(Plane& plane, const Plane& coarse);

// Makes ink positive: what stands out more from the paper, if it is to be detected.
void orient(Plane& plane, Ink ink);

// Scales ink to 255 and what is left of the paper to 0.   throws: ValueError if no ink stands out
void stretch(Plane& plane);

// Clears what is not the digit from a stretched plane, and returns where the digit is.
Box isolate(Plane& plane);

}  // namespace keel::data
