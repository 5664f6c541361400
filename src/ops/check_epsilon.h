// What operations and layers that divide by sqrt(variance + epsilon) ask of epsilon.
#pragma once

#include <cmath>

#include "keel/core/dtype.h"
#include "keel/core/error.h"

namespace keel {

// throws: ValueError unless epsilon is finite and above 0, as a number of this type as well
inline void check_epsilon(const char* operation, double epsilon, DType dtype) {
  check<ValueError>(epsilon > 0 && std::isfinite(epsilon), "[{}] expected epsilon > 0, found {}", operation,
                    epsilon);
  dispatch_floating(operation, dtype, [&](auto zero) {
    check<ValueError>(static_cast<decltype(zero)>(epsilon) > 0, "[{}] epsilon {} is 0 in {}", operation,
                      epsilon, name_of(dtype));
  });
}

}  // namespace keel
