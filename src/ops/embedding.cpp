#include "keel/ops/embedding.h"

#include "keel/core/tensor_ops.h"
#include "kernels/scatter_rows.h"

namespace keel {

Variable embedding(const Tensor& ids, const Variable& weight, std::optional<Index> padding_idx) {
  check<DTypeError>(ids.defined() && ids.dtype() == DType::int32, "[embedding] expected int32 ids, found {}",
                    ids.defined() ? name_of(ids.dtype()) : "an undefined tensor");
  const Shape& table = weight.shape();
  check<ShapeError>(table.rank() == 2, "[embedding] expected a weight [V,D], found {}", table);
  check<ShapeError>(ids.rank() < Shape::kMaxRank, "[embedding] expected ids of at most {} axes, found {}",
                    Shape::kMaxRank - 1, ids.shape());
  check<ValueError>(!padding_idx || (*padding_idx >= 0 && *padding_idx < table[0]),
                    "[embedding] expected a padding_idx in [0,{}), found {}", table[0],
                    padding_idx.value_or(0));
  const std::int32_t* const rows = ids.data<std::int32_t>();
  for (Index i = 0; i < ids.numel(); ++i) {
    check<ValueError>(rows[i] >= 0 && rows[i] < table[0],
                      "[embedding] expected ids in [0,{}), found {} at place {} of {}", table[0], rows[i], i,
                      ids.shape());
  }
  std::vector<Index> extents(ids.shape().begin(), ids.shape().end());
  extents.push_back(table[1]);
  const auto skip = static_cast<std::int32_t>(padding_idx.value_or(-1));
  Tensor y =
      gather_rows(weight.value(), ids.values<std::int32_t>()).reshape(Shape(std::span<const Index>(extents)));
  return Variable::from_op("embedding", std::move(y), {weight},
                           [ids, skip, table](const Tensor& dy, Gradients& gradients) {
                             if (!gradients.wants(0)) return;
                             dispatch_floating("embedding", dy.dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               kernels::scatter_rows(dy.data<T>(), ids.data<std::int32_t>(), skip,
                                                     gradients.add_to(0).data<T>(), ids.numel(), table[1]);
                             });
                           });
}

}  // namespace keel
