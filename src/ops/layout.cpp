#include "keel/ops/layout.h"

#include "keel/core/tensor_ops.h"

namespace keel {
namespace {

Variable reshaped(const Variable& x, Tensor y) {
  return Variable::from_op("reshape", std::move(y), {x},
                           [shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, dy.reshape(shape));
                           });
}

}  // namespace

Variable reshape(const Variable& x, std::initializer_list<Index> extents) {
  return reshaped(x, x.value().reshape(extents));
}

Variable reshape(const Variable& x, const Shape& shape) { return reshaped(x, x.value().reshape(shape)); }

Variable transpose(const Variable& x, const std::vector<int>& order) {
  return Variable::from_op("transpose", transpose(x.value(), order), {x},
                           [order, shape = x.shape()](const Tensor& dy, Gradients& gradients) {
                             std::vector<int> inverse(order.size());
                             for (std::size_t i = 0; i < order.size(); ++i) {
                               inverse[static_cast<std::size_t>(shape.normalize_axis(order[i]))] =
                                   static_cast<int>(i);
                             }
                             if (gradients.wants(0)) gradients.add(0, transpose(dy, inverse));
                           });
}

Variable transpose(const Variable& x) {
  const int rank = x.shape().rank();
  check<ShapeError>(rank >= 2, "[transpose] expected at least two axes, found {}", x.shape());
  std::vector<int> order;
  for (int axis = 0; axis < rank; ++axis) order.push_back(axis);
  std::swap(order[order.size() - 2], order[order.size() - 1]);
  return transpose(x, order);
}

Variable slice(const Variable& x, int axis, Index begin, Index end) {
  return Variable::from_op("slice", slice(x.value(), axis, begin, end), {x},
                           [axis, begin](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) add_to_slice(gradients.add_to(0), axis, begin, dy);
                           });
}

Variable concatenate(const std::vector<Variable>& parts, int axis) {
  std::vector<Tensor> values;
  for (const Variable& part : parts) values.push_back(part.value());
  Tensor y = concatenate(values, axis);
  std::vector<Index> extents;
  for (const Tensor& value : values) extents.push_back(value.size(axis));
  return Variable::from_op("concatenate", std::move(y), parts,
                           [axis, extents](const Tensor& dy, Gradients& gradients) {
                             Index begin = 0;
                             for (std::size_t i = 0; i < extents.size(); ++i) {
                               if (gradients.wants(i))
                                 gradients.add(i, slice(dy, axis, begin, begin + extents[i]));
                               begin += extents[i];
                             }
                           });
}

}  // namespace keel
