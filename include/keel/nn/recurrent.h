// What recurrent layers have in common: sequences [N,T,features] in, weights that are the same at each step,
// and a normalisation in the step if asked for. RNN: keel/nn/rnn.h, LSTM: keel/nn/lstm.h, GRU: keel/nn/gru.h.
//
// Parameters are named as in PyTorch; with G gates (RNN 1, LSTM 4, GRU 3) of `units` each, side by side:
//   weight_ih_l0 [features, G units], weight_hh_l0 [units, G units]    (PyTorch's are transposed)
//   bias_ih_l0, bias_hh_l0 [G units]                                   without normalisation
// A step's pre-activations are a = x_t weight_ih + bias_ih and b = h weight_hh + bias_hh.
//
// With a normalisation, over the batch and with statistics for each timestep (Cooijmans et al.,
// arXiv:1603.09025, section 3), or over an example's units (Ba et al., arXiv:1607.06450), LSTM and GRU
// normalise each of the two products by itself:
//   a = norm(x_t weight_ih; gamma_ih) + bias     b = norm(h weight_hh; gamma_hh)
// There is one bias then, norm_ih.bias, as in the papers (GRU: also that of b's candidate part, which is
// inside the reset gate's product). The gammas are norm_ih.weight and norm_hh.weight [G units].
// RNN normalises their sum, with one gamma and one bias: see there.
//
// Products that are all alike, over an example's units or over the batch, have no variance: a norm gives its
// bias, and multiplies their gradient by gamma / sqrt(epsilon). So it is from the state 0 on while inputs are
// constant, as the black rows at the top of images are, step upon step:
//   norm layer with biases of 0   h stays 0: gradients grow a thousandfold and more with each such step, and
//                                 overflow within ten in float32. With biases that differ, as those of
//                                 pytorch_default() do, units differ from the first step on, and gradients
//                                 are of the size they have without such rows.
//   norm batch                    all examples have the same h, whatever the biases: within ten such steps
//                                 rounding outgrows the gradient, within twenty it overflows.
//   state_noise                   bounds them in either: the first h of training sequences is drawn from
//                                 N(0, state_noise^2), as in section 5.1 of Cooijmans et al.
// Layers of descriptions have biases of pytorch_default() with norm layer and no state_noise.
#pragma once

#include <optional>

#include "keel/nn/init.h"
#include "keel/nn/module.h"

namespace keel::nn {

enum class RecurrentNorm { none, layer, batch };

struct RecurrentOptions {
  bool return_sequences = false;
  RecurrentNorm norm = RecurrentNorm::none;
  // For batch, ignored otherwise: steps that have statistics of their own. Later ones use the last's.
  Index timesteps = 0;
  double epsilon = 1e-5;                 // of the norm, checked without one as well
  std::optional<double> momentum = 0.1;  // for batch, ignored otherwise; as in BatchNormOptions
  // What the gammas start from, unless it is 0.1 for batch (arXiv:1603.09025, section 4: it keeps tanh away
  // from where its gradient vanishes) and 1 for layer. Ignored without a norm.
  std::optional<double> initial_gamma = {};
  double state_noise = 0;  // deviation of the first h in training
  // Of weight_ih, weight_hh and the biases, each gate's block by itself: recurrent_init = identity() gives
  // one to each gate. (The code of Cooijmans et al. gives one to the LSTM's candidate g, and orthogonal
  // blocks to the gates; weight_hh can be set so.) pytorch_default() stands for what PyTorch's recurrent
  // layers start from: U(-b, b), b = 1 / sqrt(units).
  Initializer input_init = pytorch_default();
  Initializer recurrent_init = pytorch_default();
  Initializer bias_init = pytorch_default();
  // LSTM only: the sum of the forget gate's biases at first. Jozefowicz et al., ICML 2015, section 2.2,
  // recommend 1.
  std::optional<double> forget_bias = {};
};

//   shapes: [N,T,features] -> [N,units], the last step's h; or [N,T,units], all steps', if return_sequences
//   throws: ValueError unless features and units are at least 1 (units 2 with norm layer), epsilon > 0,
//           timesteps >= 1 with norm batch, state_noise >= 0; forward: ShapeError naming the layer;
//           ValueError for a batch of one example in training with norm batch
class Recurrent : public Module {
 public:
  Variable forward(const Variable& x, Context& context) final;
  PyTorchLayout pytorch_layout() const override;
  std::string kind() const final { return kind_.name; }

  Index units() const { return units_; }
  const RecurrentOptions& options() const { return options_; }

  Parameter weight_ih;
  Parameter weight_hh;
  Parameter bias_ih;
  Parameter bias_hh;
  // As LSTM and GRU say; none in RNN, and none without normalisation.
  Child<Module> norm_ih;
  Child<Module> norm_hh;

 protected:
  struct State {
    Variable h;
    Variable c;  // LSTM's cell; not touched by others
  };
  // What a step computes from: all steps' a [N,T,G units], and this one's b [N, G units].
  struct Step {
    const Variable& a;
    const Variable& b;
    Index t;
  };

  struct Kind {
    const char* name;
    Index gates;
    Index forget_gate = -1;        // its position, if there is one
    bool candidate_apart = false;  // whether the last block of b is normalised, and has a bias, by itself
    bool norm_of_sum = false;      // whether the step itself normalises a + b, and neither of them alone
  };
  Recurrent(const Kind& kind, Index features, Index units, Rng& rng, const RecurrentOptions& options);
  Recurrent(const Recurrent& other) = default;

  virtual State step(const Step& step, const State& state, Context& context) = 0;

  // All gates' biases at first.
  Tensor initial_bias(double forget_bias, Rng& rng) const;
  // A norm as the options say, without a bias if that is undefined.
  Child<Module> add_norm(const char* name, Index channels, const Tensor& bias);
  // x normalised as that of step t by the norm of this name, if there is one.
  static Variable normalized(const char* name, const Child<Module>& norm, const Variable& x, Index t,
                             Context& context);

 private:
  void add_parameters(Rng& rng);
  Variable initial_h(const Variable& x, Context& context) const;

  Kind kind_;
  Index features_;
  Index units_;
  RecurrentOptions options_;
};

}  // namespace keel::nn
