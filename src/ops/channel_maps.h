// Room for the numbers of channels, as the kernels of batch_norm want it.
#pragma once

#include "keel/core/tensor.h"
#include "kernels/batch_norm.h"

namespace keel {

inline Tensor channel_rows(Index rows, Index channels, DType dtype) {
  return Tensor::empty({rows, channels + kernels::kBatchNormPad}, dtype);
}

// Of channel_rows(5, ...).
template <class T>
kernels::ChannelMaps<T> maps_in(Tensor& rows) {
  T* data = rows.data<T>();
  const Index size = rows.size(1);
  return {data, data + size, data + 2 * size, data + 3 * size, data + 4 * size};
}

}  // namespace keel
