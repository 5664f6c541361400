// What functions of tensors ask of every operand, before they look at shapes or elements.
#pragma once

#include "keel/core/tensor.h"

namespace keel {

inline void require_defined(const char* operation, const Tensor& a) {
  check(a.defined(), "[{}] expected a tensor, found an undefined one", operation);
}

}  // namespace keel
