// Long Short-Term Memory (Hochreiter & Schmidhuber, Neural Computation 9(8), 1997), as torch.nn.LSTM with
// batch_first has it, with normalisation in the step as an option.
#pragma once

#include "keel/nn/recurrent.h"

namespace keel::nn {

// With a and b as keel/nn/recurrent.h says, in four blocks of `units`, i, f, g, o; h and c are 0 at first:
//   (i, f, g, o) = a + b
//   c = sigmoid(f) c + sigmoid(i) tanh(g)
//   h = sigmoid(o) tanh(c)                             without normalisation
//   h = sigmoid(o) tanh(norm(c; gamma_c, beta_c))      with: arXiv:1603.09025, equations 6 to 8
//   parameters: those of Recurrent, with G = 4; norm_cell.weight and norm_cell.bias [units], with a norm
//   shapes, throws: as Recurrent
class LSTM final : public Recurrent {
 public:
  LSTM(Index features, Index units, Rng& rng, const RecurrentOptions& options = {});
  std::shared_ptr<Module> clone() const override;

  Child<Module> norm_cell;

 private:
  State step(const Step& step, const State& state, Context& context) override;
};

}  // namespace keel::nn
