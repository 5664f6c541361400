// A model's state as the equivalent torch.nn model has it, for exchange with PyTorch.
//
//   const nn::PyTorchState state = nn::to_pytorch(model, {28, 28, 1});
//   io::write_safetensors("model.safetensors", {.metadata = {}, .tensors = state.tensors,
//                                               .stored_as_int64 = state.stored_as_int64});
// and in Python
//   model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
//
// The equivalent model has the same parts under the same names, such as a torch.nn.Sequential of Conv2d,
// BatchNorm2d, ReLU, MaxPool2d, Flatten, Linear; it takes images [N,C,H,W] where ours takes [N,H,W,C]. The
// axes of weights are in another order there, and so are the features behind a Flatten of images: the rows of
// the dense layer behind it, and the entries of a BatchNorm between. Which layers these are is found by
// running the model, in evaluation mode, on two examples of zeros.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "keel/core/named_tensor.h"
#include "keel/nn/module.h"
#include "keel/nn/state_dict.h"

namespace keel::nn {

struct PyTorchState {
  std::vector<NamedTensor> tensors;       // named and ordered as in state_dict(); copies
  std::set<std::string> stored_as_int64;  // those that PyTorch has as int64
};

// `example` is the shape of one example, such as [28,28,1].
//   throws: ValueError naming the layer that has no equivalent: a BatchNorm with a scale or a center alone,
//   or on sequences [N,L,C], which PyTorch has as [N,C,L]; a Flatten of these; a dense layer on images; and
//   the layer where the order of features cannot be told: one whose parameters may follow flattened features
//   does not say so in pytorch_layout(), or flattened features went through an operation that is no layer;
//   what running the model throws
PyTorchState to_pytorch(Module& module, const Shape& example);

// load_state_dict() for tensors as PyTorch has them. Shapes in what is returned or thrown are PyTorch's.
//   throws: as load_state_dict() and to_pytorch()
StateDifference load_pytorch_state_dict(Module& module, const Shape& example,
                                        const std::vector<NamedTensor>& tensors,
                                        const LoadStateOptions& options = {});

}  // namespace keel::nn
