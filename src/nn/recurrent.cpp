#include "keel/nn/recurrent.h"

#include <cmath>
#include <vector>

#include "keel/nn/layer_norm.h"
#include "keel/nn/timestep_batch_norm.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/dense.h"
#include "keel/ops/timestep.h"
#include "nn/norm_checks.h"
#include "nn/run_part.h"
#include "nn/split_layer_norm.h"

namespace keel::nn {
namespace {

// Each gate's block of columns is initialised by itself, as a weight of [inputs, units].
Tensor blocks(const Initializer& initializer, Index inputs, Index gates, Index units, Rng& rng) {
  Tensor whole = Tensor::empty({inputs, gates * units}), block = Tensor::empty({inputs, units});
  for (Index gate = 0; gate < gates; ++gate) {
    initializer(block, {inputs, units}, rng);
    for (Index i = 0; i < block.numel(); ++i) {
      whole.data<float>()[(i / units * gates + gate) * units + i % units] = block.data<float>()[i];
    }
  }
  return whole;
}

Initializer of_layer(const Initializer& given, Index units) {
  const double bound = 1 / std::sqrt(static_cast<double>(units));
  return is_pytorch_default(given) ? uniform(-bound, bound) : given;
}

}  // namespace

Recurrent::Recurrent(const Kind& kind, Index features, Index units, Rng& rng, const RecurrentOptions& options)
    : kind_(kind), features_(features), units_(units), options_(options) {
  check<ValueError>(features >= 1 && units >= 1,
                    "[{}] expected at least 1 feature and 1 unit, found {} and {}", kind.name, features,
                    units);
  check<ValueError>(options.norm != RecurrentNorm::layer || units >= 2,
                    "[{}] norm layer: expected at least 2 units to normalise over, found {}", kind.name,
                    units);
  check<ValueError>(options.state_noise >= 0 && std::isfinite(options.state_noise),
                    "[{}] expected a state_noise of at least 0, found {}", kind.name, options.state_noise);
  check<ValueError>(options.norm != RecurrentNorm::batch || options.timesteps >= 1,
                    "[{}] norm batch: expected the number of timesteps that have statistics of their own, at "
                    "least 1, found {}",
                    kind.name, options.timesteps);
  check_epsilon(kind.name, options.epsilon);
  check<ValueError>(!options.forget_bias || kind.forget_gate >= 0,
                    "[{}] forget_bias: there is no forget gate", kind.name);
  add_parameters(rng);
}

void Recurrent::add_parameters(Rng& rng) {
  const Index gates = kind_.gates;
  weight_ih =
      parameter("weight_ih_l0", blocks(of_layer(options_.input_init, units_), features_, gates, units_, rng));
  weight_hh = parameter("weight_hh_l0",
                        blocks(of_layer(options_.recurrent_init, units_), units_, gates, units_, rng));
  const Tensor input_bias = initial_bias(options_.forget_bias.value_or(0), rng);
  if (options_.norm == RecurrentNorm::none) {
    bias_ih = parameter("bias_ih_l0", input_bias);
    bias_hh = parameter("bias_hh_l0", initial_bias(0, rng));
    return;
  }
  if (kind_.norm_of_sum) return;
  norm_ih = add_norm("norm_ih", gates * units_, input_bias);
  norm_hh = add_norm("norm_hh", gates * units_, kind_.candidate_apart ? initial_bias(0, rng) : Tensor());
}

Tensor Recurrent::initial_bias(double forget_bias, Rng& rng) const {
  Tensor bias = Tensor::empty({kind_.gates, units_});
  of_layer(options_.bias_init, units_)(bias, {units_, units_}, rng);
  if (options_.forget_bias) bias.rows(kind_.forget_gate, kind_.forget_gate + 1).fill(forget_bias);
  return bias.reshape({-1});
}

Child<Module> Recurrent::add_norm(const char* name, Index channels, const Tensor& bias) {
  const bool batch = options_.norm == RecurrentNorm::batch;
  const double gamma = options_.initial_gamma.value_or(batch ? 0.1 : 1);
  const auto add = [&](auto norm) {
    norm->weight.set_value(Tensor::full({channels}, gamma));
    if (bias.defined()) norm->bias.set_value(bias);
    return child<Module>(name, std::move(norm));
  };
  if (!batch) {
    const LayerNormOptions of_layer = {.epsilon = options_.epsilon, .center = bias.defined()};
    if (kind_.candidate_apart) {
      return add(std::make_shared<SplitLayerNorm>(channels, channels - units_, of_layer));
    }
    return add(std::make_shared<LayerNorm>(channels, of_layer));
  }
  return add(std::make_shared<TimestepBatchNorm>(
      options_.timesteps, channels,
      BatchNormOptions{
          .epsilon = options_.epsilon, .momentum = options_.momentum, .center = bias.defined()}));
}

Variable Recurrent::normalized(const char* name, const Child<Module>& norm, const Variable& x, Index t,
                               Context& context) {
  if (norm.pointer() == nullptr) return x;
  auto* of_timesteps = dynamic_cast<TimestepBatchNorm*>(&*norm);
  if (of_timesteps == nullptr) return norm(x, context);
  return run_part_as(*norm, name, x, context, [&] { return of_timesteps->at(x, t, context); });
}

Variable Recurrent::initial_h(const Variable& x, Context& context) const {
  Tensor h = Tensor::zeros({x.shape()[0], units_}, x.dtype());
  if (context.training() && options_.state_noise > 0) {
    Rng rng = context.next_stream();
    normal(0, options_.state_noise)(h, {}, rng);
  }
  return Variable(std::move(h));
}

Variable Recurrent::forward(const Variable& x, Context& context) {
  const Shape& shape = x.shape();
  check<ShapeError>(shape.rank() == 3 && shape[1] >= 1 && shape[2] == features_,
                    "[{}] expected sequences [N,T,{}] of at least one step, found {}", kind(), features_,
                    shape);
  Variable a = dense(x, weight_ih, bias_ih);
  if (norm_ih.pointer() != nullptr) a = norm_ih(a, context);
  State state = {initial_h(x, context), Variable(Tensor::zeros({shape[0], units_}, x.dtype()))};
  std::vector<Variable> outputs;
  for (Index t = 0; t < shape[1]; ++t) {
    const Variable b = normalized("norm_hh", norm_hh, dense(state.h, weight_hh, bias_hh), t, context);
    state = step({a, b, t}, state, context);
    if (options_.return_sequences) outputs.push_back(state.h);
  }
  return options_.return_sequences ? stack_timesteps(outputs) : state.h;
}

PyTorchLayout Recurrent::pytorch_layout() const {
  const PyTorchTensor transposed = {.axes = {1, 0}};
  return {.tensors = {{"weight_ih_l0", transposed}, {"weight_hh_l0", transposed}},
          .mixes_features = true,
          .input_ranks = {3},
          .no_equivalent =
              options_.norm == RecurrentNorm::none ? "" : "PyTorch's recurrent layers have no normalisation"};
}

}  // namespace keel::nn
