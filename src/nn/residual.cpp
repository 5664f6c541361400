#include "keel/nn/residual.h"

namespace keel::nn {

Residual::Residual(std::shared_ptr<Sequential> body_layers, std::shared_ptr<Sequential> shortcut_layers)
    : body(child("body", std::move(body_layers))) {
  if (shortcut_layers != nullptr) shortcut = child("shortcut", std::move(shortcut_layers));
}

Variable Residual::forward(const Variable& x, Context& context) {
  const Variable y = body(x, context);
  const Variable identity = shortcut.pointer() != nullptr ? shortcut(x, context) : x;
  check<ShapeError>(y.shape() == identity.shape(),
                    "[residual] expected body and shortcut of one shape, found {} and {} for input {}",
                    y.shape(), identity.shape(), x.shape());
  return y + identity;
}

}  // namespace keel::nn
