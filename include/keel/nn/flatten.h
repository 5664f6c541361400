// Flatten: all axes but the first become one.
#pragma once

#include "keel/nn/module.h"
#include "keel/ops/layout.h"

namespace keel::nn {

//   shapes: [N, ...] -> [N, product of the others]; images [N,H,W,C] in the order H, W, C
struct Flatten final : Layer<Flatten> {
  Variable forward(const Variable& x, Context&) override {
    check<ShapeError>(x.shape().rank() >= 1, "[flatten] expected a batch, found a scalar");
    // Not -1: a batch of no examples has no extent to infer.
    return reshape(x, {x.shape()[0], x.shape().numel_between(1, x.shape().rank())});
  }
  std::string kind() const override { return "flatten"; }
  PyTorchLayout pytorch_layout() const override { return {.input_ranks = {1, 2, 4}}; }
};

}  // namespace keel::nn
