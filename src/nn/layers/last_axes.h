// The option "axes" of layers that normalise over several of the last axes.
#pragma once

#include <limits>

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

// throws: ShapeError if the layer's input has fewer axes
inline Shape last_axes(const LayerSite& site, Index axes) {
  const Shape& input = site.input();
  check<ShapeError>(axes <= input.rank(), "axes: expected at most the {} axes of the input {}, found {}",
                    input.rank(), input, axes);
  return Shape(std::span(input.end() - axes, input.end()));
}

}  // namespace keel::nn::layers
