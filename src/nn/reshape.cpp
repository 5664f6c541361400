#include "keel/nn/reshape.h"

#include "keel/ops/layout.h"

namespace keel::nn {

Reshape::Reshape(const Shape& shape) : shape_(shape) {
  for (const Index extent : shape) {
    check<ValueError>(extent >= 1, "[reshape] expected extents of at least 1, found {}", shape);
  }
}

Variable Reshape::forward(const Variable& x, Context&) {
  const Shape& from = x.shape();
  check<ShapeError>(from.rank() >= 1 && from.numel_between(1, from.rank()) == shape_.numel(),
                    "[reshape] expected examples of {} elements, for {}, found a batch {}", shape_.numel(),
                    shape_, from);
  std::vector<Index> extents = {from[0]};
  extents.insert(extents.end(), shape_.begin(), shape_.end());
  return reshape(x, Shape(extents));
}

}  // namespace keel::nn
