#include "keel/nn/gru.h"

#include "keel/ops/gru.h"

namespace keel::nn {

GRU::GRU(Index features, Index units, Rng& rng, const RecurrentOptions& options)
    : Recurrent({.name = "gru", .gates = 3, .candidate_apart = true}, features, units, rng, options) {}

std::shared_ptr<Module> GRU::clone() const {
  const CopyScope scope;
  return std::make_shared<GRU>(*this);
}

Recurrent::State GRU::step(const Step& step, const State& state, Context&) {
  return {gru_cell(step.a, step.t, step.b, state.h), state.c};
}

}  // namespace keel::nn
