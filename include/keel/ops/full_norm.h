// Normalisation with moving statistics whose gradient is a moving average, too: the operation of
// keel/nn/full_norm.h, where its source stands.
#pragma once

#include "keel/autograd/variable.h"

namespace keel {

// Averages of the gradients of mean and second moment (of x^2) of each channel: [C] each, float32 or float64
// like x. backward() changes them in place.
struct MomentGradients {
  Tensor mean;
  Tensor second_moment;
};

// xhat = (x - mean) rho with rho = (variance + epsilon)^(-1/2), for given statistics. Backwards, over the R
// rows:
//   G_s = -1/2 sum dy (x - mean) rho^3             averages.second_moment = (1 - alpha) old + alpha G_s
//   G_m = -sum dy rho - 2 mean G_s                 averages.mean          = (1 - alpha) old + alpha G_m
//   dx += dy rho + (averages.mean + 2 x averages.second_moment) / R
// which is the gradient of this function only if alpha = 1 and the statistics are those of x; then it is
// batch_norm()'s.
//   shapes:   x [...,C], at least two axes; mean, variance (of any real type) and the averages [C] -> [...,C]
//   gradient: x as above; none for the statistics. Each backward() through it updates the averages, once.
//   throws:   ShapeError, DTypeError; ValueError unless epsilon is finite and above 0 in x's type, and alpha
//             in (0,1], or naming a channel whose variance is negative. One that is NaN, as of an input with
//             one, gives NaN
Variable full_norm(const Variable& x, const Tensor& mean, const Tensor& variance,
                   const MomentGradients& averages, double alpha, double epsilon);

}  // namespace keel
