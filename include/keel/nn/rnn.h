// Simple recurrent layer (Elman, Cognitive Science 14(2), 1990), as torch.nn.RNN with batch_first has it,
// with normalisation in the step as an option.
#pragma once

#include "keel/nn/recurrent.h"

namespace keel::nn {

enum class RNNActivation { tanh, relu };

// With a and b as keel/nn/recurrent.h says; h is 0 at first:
//   h = activation(a + b)                                                     without normalisation
//   h = activation(norm(x_t weight_ih + h weight_hh; norm.weight, norm.bias)) with: arXiv:1607.06450,
//                                                                             equation 4
//   parameters: those of Recurrent, with G = 1; with a norm, norm.weight and norm.bias [units] in place of
//               norm_ih's and norm_hh's
//   shapes, throws: as Recurrent
class RNN final : public Recurrent {
 public:
  RNN(Index features, Index units, Rng& rng, const RecurrentOptions& options = {},
      RNNActivation activation = RNNActivation::tanh);
  std::shared_ptr<Module> clone() const override;

  Child<Module> norm;

 private:
  State step(const Step& step, const State& state, Context& context) override;

  RNNActivation activation_;
};

}  // namespace keel::nn
