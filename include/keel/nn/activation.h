// Activation layers: the functions of keel/ops/elementwise.h, without parameters.
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

}  // namespace keel::nn
