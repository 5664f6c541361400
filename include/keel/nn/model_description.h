// Model descriptions: the architecture of a model as JSON text, in files of users and in checkpoints.
//
//   {"layers": [{"layer": "flatten"},
//               {"layer": "dense", "units": 128},
//               {"layer": "relu"},
//               {"layer": "dense", "units": "classes"}]}
//
// or a model by name, with options:   {"model": "mlp", "batch_norm": true, "dropout": 0.2}
//
// Both may have
//   "input"    [28, 28, 1]: the shape of one example; otherwise the data set's
//   "classes"  10: otherwise the data set's
//   "init"     the initialiser of weights (keel/nn/init.h); biases start as bias_initializer_for() says
//
// Layers and their options, with defaults; PAIR is one integer for both axes, or [down, across]:
//   dense              units (an integer or "classes"), bias true, init
//   conv2d             filters (an integer or "classes"), kernel PAIR, stride 1, padding 0 (PAIR or "same"),
//                      dilation 1, groups 1, bias true, algorithm "fastest" (or "direct"), init
//   embedding          num_embeddings, embedding_dim, padding_idx null, init (otherwise N(0, 1)); for inputs
//                      that are ids, from data sets of a program's own: images, which Keel's programs
//                      read, have none
//   max_pool2d         kernel 2, stride the kernel's, padding 0
//   avg_pool2d         the same, count_include_pad true
//   global_avg_pool2d, flatten, relu, sigmoid, tanh, selu, silu, hard_sigmoid
//   leaky_relu         negative_slope 0.01
//   elu                alpha 1
//   gelu               approximation "none" (or "tanh")
//   softplus           beta 1, threshold 20
//   batch_norm         epsilon 1e-5, momentum 0.1 (null: plain average), scale true, center true,
//                      track_running_stats true, initial_gamma 1, initial_beta 0, initial_running_mean 0,
//                      initial_running_var 1, axis -1 (of the channels; axis 0 is that of the examples)
//   batch_renorm       epsilon 1e-5, momentum 0.01, r_max 3, d_max 5, relaxation_begin 5000, r_max_end 40000,
//                      d_max_end 25000, scale true, center true
//   full_norm          epsilon 1e-5, alpha 0.1
//   mean_only_batch_norm  momentum 0.1 (null: plain average), center true
//   batch_layer_norm   batch_size 0 (that of the first batch in training), epsilon 1e-3, sqrt_scaling true,
//                      momentum 0.1 (null: the mean since the last reset), reset_every 0 (never; batches),
//                      population_batch_mean true, population_batch_var true, population_feature_mean false,
//                      population_feature_var false: what evaluation takes of the population
//   weight_norm        body [one dense or conv2d], data_dependent_init true, mean_only_batch_norm false,
//                      momentum 0.1 (of that; null: plain average)
//   noisy_batch_norm   shift 0.5, max_scale 1.25, epsilon 1e-5, momentum 0.1 (null: plain average)
//   layer_norm         axes 1 (how many of the last axes), epsilon 1e-5, scale true, center true
//   group_norm         groups null (the most up to 32 that divide the channels and leave two in each),
//                      epsilon 1e-5, scale true, center true
//   instance_norm      epsilon 1e-5, affine false
//   rms_norm           axes 1, epsilon null (that of the element type), scale true
//   dropout            rate 0.5
//   reshape            shape [28, 28]: of an example, as images are sequences of rows
//   rnn, lstm, gru     units, return_sequences false, norm "none" ("batch", "layer"), epsilon 1e-5, momentum
//                      0.1 (null: plain average), initial_gamma 0.1 with "batch", otherwise 1, state_noise 0,
//                      init, recurrent_init "pytorch_default"; rnn: activation "tanh" (or "relu"); lstm:
//                      forget_bias null (as the others). Inputs are sequences [T, features]; "batch" keeps
//                      statistics for T steps. Biases of "layer" without state_noise are never 0 at first:
//                      keel/nn/recurrent.h says why. What a norm does not use cannot be set
//   residual           body [layers], shortcut [layers] (otherwise the identity)
// Penalties and constraints of parameters (keel/nn/regularizer.h, keel/nn/constraint.h), none by default:
//   NAME_regularizer   {"l1": 1e-5}, {"l2": 1e-4} or both
//   NAME_constraint    "non_negative", "unit_norm", {"max_norm": 2} or {"min_max_norm": [0.5, 2], "rate": 1}
// where NAME is weight or bias in dense and conv2d, gamma or beta in normalisations, and otherwise what
// Module::named_parameters() calls it: weight in embedding; weight_g, weight_v or bias in weight_norm;
// weight_ih_l0, norm_hh.weight and so on (keel/nn/recurrent.h) in rnn, lstm and gru.
// The sizes of inputs are found by running each layer. The last layer gives one number a class: the logits.
// Others are added as keel/nn/layer_description.h says.
//
// Options of named models; the defaults are in keel/nn/models.h:
//   norm               wherever the model has one: "none" or one of
//                        batch      batch_norm
//                        layer      layer_norm: over the channels of each position of an image by itself,
//                                   as Keras has it. Over whole images, as the papers' convnets:
//                                   {"layer": "layer_norm", "axes": 3}, whose scales and shifts are one for
//                                   each element, or {"layer": "group_norm", "groups": 1}, one for each
//                                   channel
//                        group      group_norm
//                        instance   instance_norm, with affine true
//                        rms        rms_norm
//                        renorm     batch_renorm
//                        weight     weight_norm, around each Dense or Conv2d but that of the logits
//                        bln        batch_layer_norm
//                        full       full_norm
//                      or a norm with options, one without a word as well: {"layer": "group_norm",
//                      "groups": 4}. It may be a layer of a program's own, but no other layer of Keel's. An
//                      object without a layer has options of batch_norm, if that is what the model has
//   batch_norm         true is norm "batch", false "none"
//   norm_position      "before" or "after" the activation
//   dropout (the rate in front of the last layer), convolution "fastest" or "direct"
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/nn/layer_description.h"
#include "keel/nn/models.h"

namespace keel::nn {

// What a model may grow to. A description of a few bytes asks for any size; whoever knows how many parameters
// the model can have, as one who reads them from a file does, says so here.
struct ModelLimits {
  Index parameters = Index{1} << 31;  // elements of weights and running statistics
  Index outputs = Index{1} << 24;     // elements of one layer's output for one example
  // Elements of all outputs for one example. A residual runs what is inside it again, once that is made, and
  // so it counts again.
  Index total_outputs = Index{1} << 28;
};

// Options of a named model; what is not set is the model's own default.
struct NamedModelOptions {
  std::optional<bool> batch_norm = {};
  // In place of batch_norm: one of norms(), or a layer as JSON text: {"layer": "group_norm", "groups": 4}
  std::optional<std::string> norm = {};
  std::optional<NormPosition> norm_position = {};
  BatchNormOptions batch_norm_options = {};  // if the norm is that
  double dropout = 0;
  std::optional<std::string> init = {};
  Conv2dAlgorithm convolution = Conv2dAlgorithm::fastest;
};

class ModelDescription {
 public:
  // `where` is what messages call the text, such as its file.
  //   throws: FileError naming the place in the text, what was expected and what was found: the text is not
  //   JSON, has a key twice, is nested more than 64 deep, longer than 1 MiB, has more than 4096 layers, or
  //   says something that is not written above
  static ModelDescription parse(std::string_view json, const std::string& where);
  // throws: ValueError listing the names, or naming an option that is out of range
  static ModelDescription named(const std::string& model, const NamedModelOptions& options = {});
  // The description of what mlp(rng, options), cnn(rng, options) give. The initialisers of `options` are
  // functions without a name: the one whose name is `init` stands for them.
  static ModelDescription of(const std::string& model, const ClassifierOptions& options,
                             const std::string& init = "pytorch_default");
  static std::vector<std::string> named_models();
  // The words of the option "norm" of named models, none first.
  static std::vector<std::string> norms();
  // Whether a layer of this name is a norm of Keel's: one of theirs, or one without a word.
  static bool is_norm(const std::string& layer);

  // One line of JSON with every option spelled out: defaults of later versions do not change what it builds.
  std::string to_json() const;
  // The same with a named model's layers in place of its name.
  std::string to_json_with_layers() const;

  // The name of the model, or "" for a list of layers.
  const std::string& model() const;
  const std::optional<Shape>& input() const;
  const std::optional<Index>& classes() const;

  // This description with input and classes set.   throws: ValueError if it has others
  ModelDescription for_data(const Shape& input, Index classes) const;

  // The model. Equal descriptions and streams give equal parameters, under equal names: those of a Sequential
  // of the layers ("0.weight"), of "body" and "shortcut" in a residual ("3.body.0.weight").
  //   throws: ValueError if input or classes are not known, or the model exceeds the limits; ShapeError,
  //   ValueError naming the layer if it cannot be made for its input, or the last one does not give [classes]
  std::shared_ptr<Sequential> build(Rng rng, const ModelLimits& limits = {}) const;
  // for_data(input, classes).build(rng, limits)
  std::shared_ptr<Sequential> build(const Shape& input, Index classes, Rng rng,
                                    const ModelLimits& limits = {}) const;

 private:
  friend struct DescriptionParts;
  struct Parts;
  explicit ModelDescription(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace keel::nn
