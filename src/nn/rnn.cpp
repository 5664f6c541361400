#include "keel/nn/rnn.h"

#include "keel/ops/elementwise.h"
#include "keel/ops/timestep.h"

namespace keel::nn {

RNN::RNN(Index features, Index units, Rng& rng, const RecurrentOptions& options, RNNActivation activation)
    : Recurrent({.name = "rnn", .gates = 1, .norm_of_sum = true}, features, units, rng, options),
      activation_(activation) {
  if (options.norm != RecurrentNorm::none) norm = add_norm("norm", units, initial_bias(0, rng));
}

std::shared_ptr<Module> RNN::clone() const {
  const CopyScope scope;
  return std::make_shared<RNN>(*this);
}

Recurrent::State RNN::step(const Step& step, const State& state, Context& context) {
  const Variable z = normalized("norm", norm, add_timestep(step.b, step.a, step.t), step.t, context);
  return {activation_ == RNNActivation::relu ? relu(z) : tanh(z), state.c};
}

}  // namespace keel::nn
