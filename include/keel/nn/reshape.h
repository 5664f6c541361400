// Reshape: the elements of each example in another shape.
#pragma once

#include <vector>

#include "keel/nn/module.h"

namespace keel::nn {

// y[n] has x[n]'s elements, in row-major order: images [N,28,28,1] as 28 rows of 28 pixels are
// Reshape({28,28}).
//   shapes: [N, ...] -> [N, shape], equal numbers of elements
//   throws: ValueError if an extent is below 1; forward: ShapeError
class Reshape final : public Layer<Reshape> {
 public:
  explicit Reshape(const Shape& shape);
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "reshape"; }

 private:
  Shape shape_;
};

}  // namespace keel::nn
