// Photos, scans and drawings of a digit, made ready as those of MNIST were.
#pragma once

#include "keel/core/tensor.h"

namespace keel::data {

enum class Ink { detect, dark, bright };  // on bright paper, on dark paper

struct DigitOptions {
  Index height = 28;
  Index width = 28;
  Ink ink = Ink::detect;
};

// The digit in an image of any size, bright on black, as Yann LeCun's MNIST page has it: "size normalized to
// fit in a 20x20 pixel box while preserving their aspect ratio", with gray levels from antialiasing, and
// centred "by computing the center of mass of the pixels, and translating the image so as to position this
// point at the center of the 28x28 field". Other sizes have a box in the same proportion.
//
// What is paper and what is ink: a smooth surface is fitted to the brightness of the paper, so that shadows
// and uneven light go; ink is what stands out from it, to the side on which more does (or as Ink says), by
// Otsu's threshold ("A threshold selection method from gray-level histograms", IEEE Trans. SMC 9, 1979).
// Specks, and what touches the edge of an image that has more than that, are not the digit. A pen much
// thinner than those of MNIST is made as thick. The image must hold one digit.
//   shapes: uint8 [H,W,1] or [H,W,3] -> uint8 [height,width,1]
//   throws: DTypeError, ShapeError; ValueError if nothing stands out from the paper, or a size is below 4
Tensor prepare_digit(const Tensor& image, const DigitOptions& options = {});

// Whether the pixels around an image are brighter than half of white, by their median: paper, and not the
// black around digits of MNIST.   shapes: uint8 [H,W,C]
bool has_bright_border(const Tensor& image);

}  // namespace keel::data
