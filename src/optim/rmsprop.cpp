#include "keel/optim/rmsprop.h"

#include <cmath>

#include "keel/core/error.h"
#include "kernels/optimizer.h"

namespace keel::optim {

namespace {
std::vector<std::string> state_names(const RmsPropOptions& options) {
  if (options.momentum == 0) return {"v"};
  return {"v", "velocity"};
}
}  // namespace

RmsProp::RmsProp(ParameterGroups parameters, const RmsPropOptions& options)
    : Optimizer("rmsprop", std::move(parameters), state_names(options), options.weight_decay),
      options_(options) {
  check<ValueError>(options.alpha >= 0 && options.alpha < 1,
                    "[rmsprop] alpha {}: expected a number in [0, 1)", options.alpha);
  check<ValueError>(options.momentum >= 0 && options.momentum < 1,
                    "[rmsprop] momentum {}: expected a number in [0, 1)", options.momentum);
  check<ValueError>(std::isfinite(options.epsilon) && options.epsilon > 0,
                    "[rmsprop] epsilon {}: expected a finite number > 0", options.epsilon);
}

void RmsProp::update(std::span<const Update> updates, Index) {
  const auto update_all = [&]<class T>(T) {
    std::vector<kernels::RmsPropSegment<T>> segments;
    segments.reserve(updates.size());
    for (const Update& u : updates) {
      if (u.parameter.dtype() != dtype_of<T>()) continue;
      segments.push_back({.step = {.learning_rate = u.learning_rate,
                                   .alpha = options_.alpha,
                                   .epsilon = options_.epsilon,
                                   .momentum = options_.momentum,
                                   .l2 = u.weight_decay},
                          .p = u.parameter.data<T>(),
                          .v = u.state[0].data<T>(),
                          .u = u.state.size() < 2 ? nullptr : u.state[1].data<T>(),
                          .g = u.gradient.data<T>(),
                          .n = u.parameter.numel()});
    }
    kernels::rmsprop_update(segments.data(), static_cast<Index>(segments.size()));
  };
  update_all(float());
  update_all(double());
}

}  // namespace keel::optim
