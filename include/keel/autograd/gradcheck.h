// gradcheck: are the gradients of a function right?
//
// Compares backward() with central differences in float64, (f(x+h) - f(x-h)) / 2h, for every element of every
// input. f may return any shape: the loss is sum(w * f(x)) with a random cotangent w, as a plain sum has zero
// gradient through softmax and normalisation and would accept anything there. Accumulators are filled with
// known values first, so that a gradient that overwrites instead of adding is found too.
//
// Keep the points away from kinks (relu at 0) and ties (max): there, differences are wrong, not the gradient.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "keel/autograd/variable.h"

namespace keel {

struct GradcheckOptions {
  double step = 1e-5;  // h
  double tolerance =
      1e-6;  // on |analytic - numeric| / (|analytic| + |numeric|), norms over an input's whole gradient
  std::uint64_t seed = 1;  // of the cotangent
  // Inputs whose gradient is known to be exactly zero (a bias in front of BatchNorm, say), by position. Any
  // other gradient that is zero throughout is a failure, as a check of nothing.
  std::vector<std::size_t> zero_gradients = {};
};

struct GradcheckResult {
  bool ok = false;
  double worst_error = 0;  // the largest relative error of any input
  std::string message;     // what failed and where; empty if ok
  explicit operator bool() const { return ok; }
};

using DifferentiableFunction = std::function<Variable(const std::vector<Variable>& inputs)>;

// Fails on: an error above the tolerance, NaN, no element checked, a gradient of zeros, an overwritten
// accumulator, an f that gives different values for the same input (dropout without a fixed stream).
//   throws: DTypeError if an input is not float64; ValueError if there are no inputs
GradcheckResult gradcheck(const DifferentiableFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});
// The same for variables that f holds itself, such as a layer's parameters. Their values are restored,
// their gradients cleared.
GradcheckResult gradcheck(const std::function<Variable()>& f, const std::vector<Variable>& leaves,
                          const GradcheckOptions& options = {});

}  // namespace keel
