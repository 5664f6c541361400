// Gated Recurrent Unit (Cho et al., arXiv:1406.1078), as torch.nn.GRU with batch_first has it, with
// normalisation in the step as an option.
#pragma once

#include "keel/nn/recurrent.h"

namespace keel::nn {

// With a and b as keel/nn/recurrent.h says, in three blocks of `units`, r, u (PyTorch's z), n; h is 0 at
// first:
//   r = sigmoid(a_r + b_r)     u = sigmoid(a_u + b_u)     n = tanh(a_n + r b_n)
//   h = (1 - u) n + u h
// b_n has its bias inside the product with r, also with a normalisation (norm_hh.bias). Layer Normalization
// is over r and u together and over n by itself, in a and in b, as in arXiv:1607.06450, supplement, "GRU":
//   a_ru = LN((x_t weight_ih)_ru)     a_n = LN((x_t weight_ih)_n)     and b likewise
//   parameters: those of Recurrent, with G = 3
//   shapes, throws: as Recurrent
class GRU final : public Recurrent {
 public:
  GRU(Index features, Index units, Rng& rng, const RecurrentOptions& options = {});
  std::shared_ptr<Module> clone() const override;

 private:
  State step(const Step& step, const State& state, Context& context) override;
};

}  // namespace keel::nn
