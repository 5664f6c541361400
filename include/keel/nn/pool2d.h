// Pooling layers: the operations of keel/ops/pool2d.h, without parameters.
#pragma once

#include "keel/nn/module.h"
#include "keel/ops/pool2d.h"

namespace keel::nn {

//   shapes: [N,H,W,C] -> [N,OH,OW,C]
class MaxPool2d final : public Layer<MaxPool2d> {
 public:
  explicit MaxPool2d(const MaxPool2dOptions& options = {}) : options_(options) {}
  Variable forward(const Variable& x, Context&) override { return max_pool2d(x, options_); }
  std::string kind() const override { return "max_pool2d"; }

 private:
  MaxPool2dOptions options_;
};

//   shapes: [N,H,W,C] -> [N,OH,OW,C]
class AvgPool2d final : public Layer<AvgPool2d> {
 public:
  explicit AvgPool2d(const AvgPool2dOptions& options = {}) : options_(options) {}
  Variable forward(const Variable& x, Context&) override { return avg_pool2d(x, options_); }
  std::string kind() const override { return "avg_pool2d"; }

  const AvgPool2dOptions& options() const { return options_; }

 private:
  AvgPool2dOptions options_;
};

//   shapes: [N,H,W,C] -> [N,C]
struct GlobalAvgPool2d final : Layer<GlobalAvgPool2d> {
  Variable forward(const Variable& x, Context&) override { return global_avg_pool2d(x); }
  std::string kind() const override { return "global_avg_pool2d"; }
};

}  // namespace keel::nn
