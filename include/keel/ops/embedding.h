// Rows of a table, looked up by number.
#pragma once

#include <optional>

#include "keel/autograd/variable.h"

namespace keel {

// y[...,:] = weight[ids[...],:]
//   shapes:   ids int32 [...], weight [V,D] -> [...,D]
//   gradient: dweight[v,:] += sum of dy over all places where ids is v, in their order, so the bits depend on
//             nothing else; none for row padding_idx, as in PyTorch
//   throws:   ShapeError; DTypeError; ValueError naming the first id that is not in [0, V) and its place, or
//             a padding_idx that is not
Variable embedding(const Tensor& ids, const Variable& weight, std::optional<Index> padding_idx = {});

}  // namespace keel
