// Functions that an operation can apply to its own result.
#pragma once

namespace keel {

// What an operation with an `activation` does to its result before it is written: the same values and
// gradients as the function of keel/ops/elementwise.h applied afterwards, in fewer passes over memory.
enum class Activation { none, relu };

}  // namespace keel
