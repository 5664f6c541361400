// What the layers that normalise each example check alike.
#pragma once

#include <cmath>

#include "keel/autograd/variable.h"
#include "keel/core/error.h"

namespace keel::nn {

// throws: ValueError unless epsilon is finite and above 0, in float32 as well
inline void check_epsilon(const char* layer, double epsilon) {
  check<ValueError>(epsilon > 0 && std::isfinite(epsilon), "[{}] expected epsilon > 0, found {}", layer,
                    epsilon);
  check<ValueError>(static_cast<float>(epsilon) > 0, "[{}] epsilon {} is 0 in float32", layer, epsilon);
}

// throws: ShapeError unless x has an axis in front of its last axes, which have this shape
inline void check_last_axes(const char* layer, const Variable& x, const Shape& shape) {
  const Shape& found = x.shape();
  const auto fits = [&] { return Shape(std::span(found.end() - shape.rank(), found.end())) == shape; };
  check<ShapeError>(found.rank() > shape.rank() && fits(), "[{}] expected an input [...,{}], found {}", layer,
                    shape.to_string().substr(1, shape.to_string().size() - 2), found);
}

// throws: DTypeError unless x has the element type of a parameter, if that is defined
inline void check_dtype(const char* layer, const Variable& x, const Variable& parameter) {
  check<DTypeError>(!parameter.defined() || parameter.dtype() == x.dtype(),
                    "[{}] expected {} elements as in the layer, found {}", layer,
                    name_of(parameter.defined() ? parameter.dtype() : x.dtype()), name_of(x.dtype()));
}

}  // namespace keel::nn
