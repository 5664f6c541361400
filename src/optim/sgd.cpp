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

void Sgd::update(Tensor& parameter, const Tensor& gradient, std::span<Tensor> state, const StepInfo& info) {
  const kernels::SgdStep step{.learning_rate = info.learning_rate,
                              .momentum = options_.momentum,
                              .l2 = info.weight_decay,
                              .nesterov = options_.nesterov};
  dispatch_floating("sgd", parameter.dtype(), [&]<class T>(T) {
    T* velocity = state.empty() ? nullptr : state[0].data<T>();
    kernels::sgd_update(step, parameter.data<T>(), velocity, gradient.data<T>(), parameter.numel());
  });
}

}  // namespace keel::optim
