// What flows through the layers of a model: the distribution of each layer's input, dead units, flat slopes,
// and the size of its gradients.
//
//   for (const LayerDistribution& layer : layer_distributions(model, batch.inputs)) ...
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "keel/core/tensor.h"
#include "keel/nn/module.h"

namespace keel::train {

inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// Of all elements of a tensor. The percentiles are interpolated linearly between the two nearest elements in
// order of size, as NumPy does by default; the deviation is the standard deviation over n. All are NaN unless
// every element is finite and there is at least one.
struct Distribution {
  double p15 = kNotANumber;
  double p50 = kNotANumber;
  double p85 = kNotANumber;
  double mean = kNotANumber;
  double deviation = kNotANumber;
};
//   throws: DTypeError unless the elements are real
Distribution distribution_of(const Tensor& values);

// What a layer is given. For an activation these are the pre-activations, for the layer behind it what the
// activation returned.
struct LayerDistribution {
  std::string path;  // "2", "3.body.0"; "output" for what the model returns: the input of the loss
  std::string kind;  // "sigmoid"; "logits" for what the model returns
  // All elements, and those of one typical unit: feature C/2 of the C along the last axis. (The paper's
  // Figure 1 shows one unit; over all of them, drifts in opposite directions cancel.)
  Distribution input = {};
  Distribution unit = {};
  bool is_activation = false;
  // Of an activation, otherwise NaN:
  //   dead  the share of its units, features along the last axis, whose output is 0 for the whole batch
  //   flat  the share of its input's elements where its slope |f'(x)| is below kFlatSlope, so that hardly any
  //         gradient passes: a ReLU's x <= 0; a sigmoid's |x| > 4.58, a tanh's |x| > 2.99
  double dead = kNotANumber;
  double flat = kNotANumber;
};
inline constexpr double kFlatSlope = 0.01;

// The figures of every layer in the order they run, found by passing the inputs [N, ...] through a copy of
// the model: it stays as it is, its running statistics and gradients too. A container is listed only if it
// has parameters of its own. Of a layer that runs several times in one pass, the last run counts.
//
// By default in training mode: BatchNorm uses the statistics of this batch, as in the paper's Figure 1
// (Ioffe & Szegedy, arXiv:1502.03167v3, section 4.1), and Dropout drops by the context's random stream, which
// is the same one every time.
//
// A layer is an activation if it has neither parts nor buffers and maps each element on its own, whatever the
// shape, by a function that is not the identity. That is tried out, so layers of users count as well; one
// with a parameter for each feature does not.
//   throws: what the model throws for these inputs
std::vector<LayerDistribution> layer_distributions(
    const nn::Module& model, const Tensor& inputs,
    const nn::Context& context = nn::Context(nn::Mode::training));

// Euclidean norm of all elements of all tensors, as one vector, summed in double.
double norm_of(const std::vector<Tensor>& tensors);

// The parameters of one layer: those of the module that this path leads to.
struct LayerParameters {
  std::string path;
  std::vector<Variable> parameters;
};
// Layers with parameters, in order of registration. Where the path of a parameter's module is none of
// `paths`, the longest of them that it is below counts ("2" for "2.body.weight"); without `paths`, all count.
std::vector<LayerParameters> parameters_by_layer(const nn::Module& model,
                                                 const std::vector<std::string>& paths = {});
// Euclidean norm of the layer's gradients as they are now; NaN if it has none.
double gradient_norm(const LayerParameters& layer);

}  // namespace keel::train
