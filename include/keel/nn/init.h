// Initialisers: what the parameters of a new layer hold.
//
// Elements are drawn one after the other, in row-major order, in double precision and then rounded to the
// tensor's element type. So the values depend on the stream only, not on the number of threads, and float32
// and float64 layers start from the same numbers but for that rounding.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "keel/core/rng.h"
#include "keel/core/tensor.h"

namespace keel::nn {

// How many inputs an output element of a layer sums over, and how many outputs an input element goes to.
struct Fans {
  Index fan_in = 0;
  Index fan_out = 0;
};

// The fans of a weight: all axes but the last two are the receptive field, which multiplies both.
//   shapes: dense [in,out] -> {in, out};  conv2d [KH,KW,Cin/groups,Cout] -> {KH*KW*Cin/groups, KH*KW*Cout}
// fan_out does not look at groups, as in torch.nn.init.
//   throws: ShapeError if the rank is below 2 (a bias has no fans of its own: its weight's are meant)
Fans fans_of(const Shape& weight);

// Fills a tensor. `fans` are those of the layer's weight, for its bias too.
//   throws: DTypeError unless the tensor is float32 or float64;
//           those that scale by a fan: ValueError if it is < 1
using Initializer = std::function<void(Tensor& tensor, const Fans& fans, Rng& rng)>;

Initializer zeros();
Initializer ones();
Initializer constant(double value);
// N(mean, deviation^2), without truncation. The default is Keras's RandomNormal.
//   throws: ValueError unless both are finite and deviation >= 0
Initializer normal(double mean = 0, double deviation = 0.05);
// U(low, high). The default is Keras's RandomUniform.
//   throws: ValueError unless both are finite and low <= high
Initializer uniform(double low = -0.05, double high = 0.05);

// Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010:
// variance 2 / (fan_in + fan_out), from equation 12; the uniform one is their equation 16, Keras's default.
// The normal ones here and below are plain normal distributions, as in PyTorch; Keras cuts them off at two
// deviations (and widens them to keep the variance).
Initializer glorot_uniform();  // U(-b, b), b = sqrt(6 / (fan_in + fan_out))
Initializer glorot_normal();   // N(0, 2 / (fan_in + fan_out))

// He et al., "Delving deep into rectifiers", arXiv:1502.01852, section 2.2, equation 10: variance 2 / fan_in
// keeps the scale of activations through ReLU layers.
Initializer he_uniform();  // U(-b, b), b = sqrt(6 / fan_in)
Initializer he_normal();   // N(0, 2 / fan_in)

// What PyTorch's Linear and Conv layers start from, weight and bias alike, as the documentation of
// torch.nn.Linear has it: U(-b, b), b = 1 / sqrt(fan_in)
Initializer pytorch_default();
// Whether an initialiser came from pytorch_default(): for layers that start otherwise in PyTorch.
bool is_pytorch_default(const Initializer& initializer);

// Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
// networks", arXiv:1312.6120: uniformly distributed over the matrices [all axes but the last, last axis]
// whose columns are orthonormal (whose rows are, if there are fewer), as torch.nn.init.orthogonal_.
//   throws, besides: ShapeError if the rank is below 2
Initializer orthogonal();
// 1 where both indices are equal, otherwise 0, as torch.nn.init.eye_.
//   throws, besides: ShapeError unless the tensor is a matrix
Initializer identity();

// The names initializer_by_name() knows, for messages and help texts, in alphabetical order.
std::vector<std::string> initializer_names();
// The initialiser of that name, with its default numbers.   throws: ValueError listing the names
Initializer initializer_by_name(std::string_view name);
// What the bias starts from where the weight has the initialiser of that name: pytorch_default for
// pytorch_default, otherwise zeros (Keras's choice).   throws: ValueError listing the names
Initializer bias_initializer_for(std::string_view weight_initializer);

}  // namespace keel::nn
