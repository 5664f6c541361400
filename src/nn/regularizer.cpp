#include "keel/nn/regularizer.h"

#include <cmath>

#include "keel/core/error.h"
#include "keel/ops/penalty.h"

namespace keel::nn {

Regularizer l1_l2(double l1_factor, double l2_factor) {
  for (const double factor : {l1_factor, l2_factor}) {
    check<ValueError>(std::isfinite(factor) && factor >= 0,
                      "[regularizer] expected a finite factor of at least 0, found {}", factor);
  }
  return [=](const Variable& parameter) { return l1_l2_penalty(parameter, l1_factor, l2_factor); };
}

Regularizer l1(double factor) { return l1_l2(factor, 0); }
Regularizer l2(double factor) { return l1_l2(0, factor); }

}  // namespace keel::nn
