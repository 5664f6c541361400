// Dropout layer.
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

// In training, each element is 0 with probability `rate` and divided by 1 - rate otherwise, drawn anew for
// each forward pass from the context's stream. In evaluation, y = x.
//   shapes: any -> the same
//   throws: ValueError unless 0 <= rate < 1
class Dropout final : public Layer<Dropout> {
 public:
  explicit Dropout(double rate = 0.5);
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "dropout"; }

 private:
  double rate_;
};

}  // namespace keel::nn
