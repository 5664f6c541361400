// Loading a model's state. Module::state_dict() gives it.
//
//   io::write_safetensors("model.safetensors", {.metadata = {}, .tensors = model.state_dict()});
//   nn::load_state_dict(model, io::read_safetensors("model.safetensors").tensors);
#pragma once

#include <vector>

#include "keel/core/named_tensor.h"
#include "keel/nn/module.h"

namespace keel::nn {

struct LoadStateOptions {
  // Otherwise what fits is loaded, and the rest is left as it was.
  bool strict = true;
};

// Copies tensors into the parameters and buffers of the same names. All or nothing: if it throws, the module
// is unchanged. Element types of reals convert into each other.
// Returns what was missing, unexpected or of another shape; nothing of it, if strict.
//   throws: ValueError listing all that is missing, unexpected and mismatched, if strict and there is any;
//   ValueError if nothing fits at all, or two tensors have one name
StateDifference load_state_dict(Module& module, const std::vector<NamedTensor>& tensors,
                                const LoadStateOptions& options = {});

}  // namespace keel::nn
