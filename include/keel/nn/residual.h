// Residual connection.
#pragma once

#include "keel/nn/sequential.h"
#include "keel/ops/arithmetic.h"

namespace keel::nn {

// y = body(x) + shortcut(x); without a shortcut, y = body(x) + x
// (He et al., "Deep residual learning for image recognition", arXiv:1512.03385, equations 1 and 2; the
// activation behind the sum is a layer of its own)
//   shapes:   what body and shortcut make of x, which must be equal
//   gradient: x, and the parameters of both
//   throws:   ValueError if there is no body; forward: ShapeError if the two shapes differ (they are not
//             broadcast), and what the parts throw
class Residual final : public Layer<Residual> {
 public:
  explicit Residual(std::shared_ptr<Sequential> body, std::shared_ptr<Sequential> shortcut = nullptr);
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "residual"; }

  Child<Sequential> body;
  Child<Sequential> shortcut;  // without a pointer() if it is the identity
};

}  // namespace keel::nn
