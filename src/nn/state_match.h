// What loading a model's state asks of the tensors it is given.
#pragma once

#include "keel/nn/state_dict.h"

namespace keel::nn {

// throws: ValueError, see load_state_dict()
void require_loadable(const StateMatch& match, std::size_t expected, std::size_t given,
                      const LoadStateOptions& options);

}  // namespace keel::nn
