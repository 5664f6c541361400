#include "keel/nn/dropout.h"

#include "keel/ops/dropout.h"

namespace keel::nn {

Dropout::Dropout(double rate) : rate_(rate) {
  check<ValueError>(rate >= 0 && rate < 1, "[dropout] expected a rate in [0,1), found {}", rate);
}

Variable Dropout::forward(const Variable& x, Context& context) {
  return context.training() ? dropout(x, rate_, context.next_stream()) : x;
}

}  // namespace keel::nn
