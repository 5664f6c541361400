#include "keel/optim/sgd.h"

#include "keel/core/error.h"
#include "kernels/optimizer.h"

namespace keel::optim {

namespace {
std::vector<std::string> state_names(const SgdOptions& options) {
  if (options.momentum == 0) return {};
  return {"velocity"};
}
}  // namespace

Sgd::Sgd(ParameterGroups parameters, const SgdOptions& options)
    : Optimizer("sgd", std::move(parameters), state_names(options), options.weight_decay), options_(options) {
  check<ValueError>(options.momentum >= 0 && options.momentum < 1,
                    "[sgd] momentum {}: expected a number in [0, 1)", options.momentum);
  check<ValueError>(!options.nesterov || options.momentum > 0, "[sgd] nesterov needs a momentum above 0");
}

void Sgd::update(std::span<const Update> updates, Index) {
  const auto update_all = [&]<class T>(T) {
    std::vector<kernels::SgdSegment<T>> segments;
    segments.reserve(updates.size());
    for (const Update& u : updates) {
      if (u.parameter.dtype() != dtype_of<T>()) continue;
      segments.push_back({.step = {.learning_rate = u.learning_rate,
                                   .momentum = options_.momentum,
                                   .l2 = u.weight_decay,
                                   .nesterov = options_.nesterov},
                          .p = u.parameter.data<T>(),
                          .u = u.state.empty() ? nullptr : u.state[0].data<T>(),
                          .g = u.gradient.data<T>(),
                          .n = u.parameter.numel()});
    }
    kernels::sgd_update(segments.data(), static_cast<Index>(segments.size()));
  };
  update_all(float());
  update_all(double());
}

}  // namespace keel::optim
