// Functions of one variable, element by element.
//
//   shapes:   any; the result has the input's
//   gradient: x
//   throws:   DTypeError unless the elements are float32 or float64; ValueError if a constant of a function
//             is not finite
//   range:    infinities give the function's limits, NaN stays NaN
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

Variable exp(const Variable& x);      // e^x                    dx += dy y
Variable log(const Variable& x);      // ln x                   dx += dy / x
Variable sqrt(const Variable& x);     // x^(1/2)                dx += dy / (2 y)
Variable tanh(const Variable& x);     //                        dx += dy (1 - y^2)
Variable sigmoid(const Variable& x);  // 1 / (1 + e^-x)         dx += dy y (1 - y)
Variable relu(const Variable& x);     // max(x, 0)              dx += dy [y > 0]   (subgradient 0 at x = 0)
// x^exponent                                                   dx += dy exponent x^(exponent - 1)
Variable pow(const Variable& x, double exponent);

// Activation functions. What stands at a kink is said where there is one; constants are PyTorch's.

// x if x > 0, else negative_slope x (Maas et al., ICML 2013).
//                                                             dx += dy (1 or negative_slope), the latter at 0
Variable leaky_relu(const Variable& x, double negative_slope = 0.01);
// x if x > 0, else alpha (e^x - 1) (Clevert et al., arXiv:1511.07289).   dx += dy (1 or alpha e^x)
Variable elu(const Variable& x, double alpha = 1);
// 1.0507 elu(x, 1.67326), the two numbers in all digits (Klambauer et al., arXiv:1706.02515): what keeps mean
// 0 and variance 1 through layers whose weights have mean 0 and variance 1 / inputs.
Variable selu(const Variable& x);
// x Phi(x), Phi the distribution function of the standard normal; with GeluApproximation::tanh
// x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 (Hendrycks & Gimpel, arXiv:1606.08415).
//                                                             dx += dy (Phi(x) + x phi(x)), phi the density
enum class GeluApproximation { none, tanh };
Variable gelu(const Variable& x, GeluApproximation approximation = GeluApproximation::none);
// x sigmoid(x), also called swish (Elfwing et al., arXiv:1702.03118; Ramachandran et al., arXiv:1710.05941).
//                                                             dx += dy s (1 + x (1 - s)), s = sigmoid(x)
Variable silu(const Variable& x);
// ln(1 + e^(beta x)) / beta, and x itself where beta x > threshold (Dugas et al., NIPS 2000; the threshold is
// PyTorch's).                                            dx += dy sigmoid(beta x), dy above the threshold
//   throws: also ValueError if beta is 0
Variable softplus(const Variable& x, double beta = 1, double threshold = 20);
// min(max(x + 3, 0), 6) / 6, as in PyTorch and Keras 3; Keras 2 had 0.2 x + 0.5 (Courbariaux et al.,
// arXiv:1511.00363, for the idea).                            dx += dy [-3 < x < 3] / 6
Variable hard_sigmoid(const Variable& x);

}  // namespace keel
