// What the layers with PyTorch's normalized_shape have in common.
#pragma once

#include <initializer_list>

#include "keel/nn/pytorch_layout.h"
#include "nn/norm_checks.h"

namespace keel::nn {

// Of tensors that have the shape of the input's last axes.
inline PyTorchLayout pytorch_layout_of_last_axes(const Shape& shape,
                                                 std::initializer_list<const char*> tensors) {
  PyTorchLayout layout;
  PyTorchTensor tensor;
  if (shape.rank() == 1) {
    tensor.input_features = 0;
    layout.input_ranks = {2, 3};
  } else if (shape.rank() == 3) {
    tensor.axes = {2, 0, 1};
    layout.input_ranks = {4};
  } else {
    layout.no_equivalent = "PyTorch's channels do not come last, so its last axes are others";
  }
  for (const char* name : tensors) layout.tensors.emplace(name, tensor);
  return layout;
}

}  // namespace keel::nn
