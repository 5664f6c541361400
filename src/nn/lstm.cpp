#include "keel/nn/lstm.h"

#include "keel/ops/lstm.h"
#include "keel/ops/timestep.h"

namespace keel::nn {

LSTM::LSTM(Index features, Index units, Rng& rng, const RecurrentOptions& options)
    : Recurrent({.name = "lstm", .gates = 4, .forget_gate = 1}, features, units, rng, options) {
  if (options.norm != RecurrentNorm::none) norm_cell = add_norm("norm_cell", units, Tensor::zeros({units}));
}

std::shared_ptr<Module> LSTM::clone() const {
  const CopyScope scope;
  return std::make_shared<LSTM>(*this);
}

Recurrent::State LSTM::step(const Step& step, const State& state, Context& context) {
  const Variable z = add_timestep(step.b, step.a, step.t);
  const Variable c = lstm_cell(z, state.c);
  return {lstm_hidden(z, normalized("norm_cell", norm_cell, c, step.t, context)), c};
}

}  // namespace keel::nn
