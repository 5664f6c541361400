// Activation layers: the functions of keel/ops/elementwise.h, without parameters. Formulas in full,
// gradients, sources and what is thrown are there.
//   shapes: any -> the same
#pragma once

#include "keel/nn/module.h"
#include "keel/ops/elementwise.h"

namespace keel::nn {

// max(x, 0)
struct ReLU final : Layer<ReLU> {
  Variable forward(const Variable& x, Context&) override { return relu(x); }
  Activation as_activation() const override { return Activation::relu; }
  std::string kind() const override { return "relu"; }
};

// 1 / (1 + e^-x)
struct Sigmoid final : Layer<Sigmoid> {
  Variable forward(const Variable& x, Context&) override { return sigmoid(x); }
  std::string kind() const override { return "sigmoid"; }
};

// (e^x - e^-x) / (e^x + e^-x)
struct Tanh final : Layer<Tanh> {
  Variable forward(const Variable& x, Context&) override { return tanh(x); }
  std::string kind() const override { return "tanh"; }
};

// x if x > 0, else negative_slope x
struct LeakyReLU final : Layer<LeakyReLU> {
  explicit LeakyReLU(double slope = 0.01) : negative_slope(slope) {}
  Variable forward(const Variable& x, Context&) override { return leaky_relu(x, negative_slope); }
  std::string kind() const override { return "leaky_relu"; }
  const double negative_slope;
};

// x if x > 0, else alpha (e^x - 1)
struct ELU final : Layer<ELU> {
  explicit ELU(double a = 1) : alpha(a) {}
  Variable forward(const Variable& x, Context&) override { return elu(x, alpha); }
  std::string kind() const override { return "elu"; }
  const double alpha;
};

// 1.0507 elu(x, 1.67326): made for weights of variance 1 / inputs, without a normalisation
struct SELU final : Layer<SELU> {
  Variable forward(const Variable& x, Context&) override { return selu(x); }
  std::string kind() const override { return "selu"; }
};

// x Phi(x), or its approximation by tanh
struct GELU final : Layer<GELU> {
  explicit GELU(GeluApproximation by = GeluApproximation::none) : approximation(by) {}
  Variable forward(const Variable& x, Context&) override { return gelu(x, approximation); }
  std::string kind() const override { return "gelu"; }
  const GeluApproximation approximation;
};

// x sigmoid(x)
struct SiLU final : Layer<SiLU> {
  Variable forward(const Variable& x, Context&) override { return silu(x); }
  std::string kind() const override { return "silu"; }
};

// ln(1 + e^(beta x)) / beta, and x where beta x > threshold
struct Softplus final : Layer<Softplus> {
  explicit Softplus(double b = 1, double t = 20) : beta(b), threshold(t) {}
  Variable forward(const Variable& x, Context&) override { return softplus(x, beta, threshold); }
  std::string kind() const override { return "softplus"; }
  const double beta, threshold;
};

// min(max(x + 3, 0), 6) / 6
struct HardSigmoid final : Layer<HardSigmoid> {
  Variable forward(const Variable& x, Context&) override { return hard_sigmoid(x); }
  std::string kind() const override { return "hard_sigmoid"; }
};

}  // namespace keel::nn
