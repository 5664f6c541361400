#include "keel/nn/rnn.h"

#include "keel/ops/elementwise.h"
#include "keel/ops/timestep.h"

namespace keel::nn {

RNN::RNN(Index features, Index units, Rng& rng, const RecurrentOptions& options, RNNActivation activation)
    : Recurrent({.name = "rnn", .gates = 1}, features, units, rng, options), activation_(activation) {}

std::shared_ptr<Module> RNN::clone() const {
  const CopyScope scope;
  return std::make_shared<RNN>(*this);
}

Recurrent::State RNN::step(const Step& step, const State& state, Context&) {
  const Variable z = add_timestep(step.b, step.a, step.t);
  return {activation_ == RNNActivation::relu ? relu(z) : tanh(z), state.c};
}

}  // namespace keel::nn
