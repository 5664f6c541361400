// What a layer says about its tensors in files for PyTorch: see Module::pytorch_layout() and
// keel/nn/pytorch_state.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::nn {

// How PyTorch holds one tensor of a layer.
struct PyTorchTensor {
  // PyTorch's axis i is our axis axes[i]; empty if the axes are the same.
  std::vector<int> axes = {};
  // The axis of ours that runs over the features of the layer's input, if there is one. Behind a Flatten of
  // images the features stand in the order H, W, C with us and C, H, W in PyTorch, and so must the entries
  // along this axis.
  std::optional<int> input_features = {};
  // One int32 with us, an int64 without axes in PyTorch.
  bool int64_scalar = false;
};

struct PyTorchLayout {
  // Tensors by their names in the layer. One that is not here is the same in PyTorch.
  std::map<std::string, PyTorchTensor> tensors = {};
  // Whether features of the output are others than those of the input, in an order of the layer's own, as
  // those of a dense layer are. Otherwise the layer works on each feature alone.
  bool mixes_features = false;
  // The ranks of inputs, with the batch's axis, on which PyTorch's layer does the same; empty: of any rank.
  std::vector<int> input_ranks = {};
  // Why PyTorch has no such layer; empty if it has one.
  std::string no_equivalent = {};
};

}  // namespace keel::nn
