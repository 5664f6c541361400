// What layers have in common that are computed together with an activation behind them.
#pragma once

#include "keel/nn/module.h"

namespace keel::nn {

// Its one pass is forward_activated(), which gives a result for Activation::none.
template <class Derived>
class ActivatedLayer : public Layer<Derived> {
 public:
  Variable forward(const Variable& x, Context& context) override {
    return *this->forward_activated(x, Activation::none, context);
  }
};

}  // namespace keel::nn
